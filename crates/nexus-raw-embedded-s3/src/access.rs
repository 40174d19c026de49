//! What is honoured, operation by operation. All else that S3 knows is refused, never dropped.
//!
//! `s3s` asks after it checked the signature and before it reads the body.

use hyper::header::{CONTENT_LENGTH, HeaderMap};
use s3s::access::{S3Access, S3AccessContext};
use s3s::{S3Result, s3_error};

use crate::auth::{is_presigned, query_pairs};

/// The largest object of a single PUT, 5 GiB:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.
const LARGEST_OBJECT_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// The prefix of user metadata.
pub(crate) const METADATA_PREFIX: &str = "x-amz-meta-";

/// Headers that ask for no function, with every operation.
const NEUTRAL_HEADERS: [&str; 3] = ["x-amz-date", "x-amz-content-sha256", "x-amz-user-agent"];

/// The query of a presigned URL.
const PRESIGNED_QUERY: [&str; 6] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
];

/// What one operation honours beside the neutral headers.
struct Honoured {
    operation: &'static str,
    headers: &'static [&'static str],
    query: &'static [&'static str],
    metadata: bool,
}

impl Honoured {
    const fn nothing(operation: &'static str) -> Self {
        Self {
            operation,
            headers: &[],
            query: &[],
            metadata: false,
        }
    }
}

static OPERATIONS: [Honoured; 7] = [
    Honoured::nothing("CreateBucket"),
    Honoured::nothing("HeadBucket"),
    Honoured {
        query: &["location"],
        ..Honoured::nothing("GetBucketLocation")
    },
    Honoured {
        operation: "PutObject",
        headers: &[
            "content-md5",
            "if-none-match",
            "x-amz-checksum-crc32",
            "x-amz-checksum-crc32c",
            "x-amz-checksum-crc64nvme",
            "x-amz-checksum-sha1",
            "x-amz-checksum-sha256",
            "x-amz-decoded-content-length",
            "x-amz-sdk-checksum-algorithm",
            "x-amz-trailer",
        ],
        query: &[],
        metadata: true,
    },
    Honoured {
        operation: "GetObject",
        headers: &["if-match", "if-none-match", "range", "x-amz-checksum-mode"],
        query: &[
            "response-cache-control",
            "response-content-disposition",
            "response-content-encoding",
            "response-content-language",
            "response-content-type",
            "response-expires",
        ],
        metadata: false,
    },
    Honoured {
        headers: &["if-match", "if-none-match", "x-amz-checksum-mode"],
        ..Honoured::nothing("HeadObject")
    },
    Honoured::nothing("DeleteObject"),
];

/// The rules as `s3s` asks for them.
pub(crate) struct OnlyWhatIsHonoured;

#[async_trait::async_trait]
impl S3Access for OnlyWhatIsHonoured {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let operation = context.s3_op().name();
        let Some(honoured) = OPERATIONS.iter().find(|known| known.operation == operation) else {
            return Err(s3_error!(NotImplemented, "{operation} is not implemented"));
        };
        check_query(honoured, context.uri().query())?;
        check_headers(honoured, context.headers())?;
        if operation == "PutObject" {
            check_length(context.headers())?;
        }
        Ok(())
    }
}

fn check_query(honoured: &Honoured, query: Option<&str>) -> S3Result<()> {
    let pairs = query_pairs(query);
    let presigned = is_presigned(&pairs);
    for (name, value) in &pairs {
        let name = name.as_str();
        // the SDKs repeat the operation's name, which asks for nothing
        let is_neutral = (name == "x-id" && value == honoured.operation)
            || (presigned && PRESIGNED_QUERY.contains(&name));
        if !is_neutral && !honoured.query.contains(&name) {
            return Err(s3_error!(
                NotImplemented,
                "A parameter you provided implies functionality that is not implemented: {name}"
            ));
        }
        if pairs.iter().filter(|(other, _)| other == name).count() > 1 {
            return Err(s3_error!(
                InvalidArgument,
                "The parameter {name} is repeated"
            ));
        }
    }
    Ok(())
}

fn check_headers(honoured: &Honoured, headers: &HeaderMap) -> S3Result<()> {
    for name in headers.keys() {
        let name = name.as_str();
        let is_metadata = honoured.metadata && is_metadata(name);
        let is_honoured = is_metadata
            || NEUTRAL_HEADERS.contains(&name)
            || honoured.headers.contains(&name)
            || !asks_for_a_function(name);
        if !is_honoured {
            return Err(s3_error!(
                NotImplemented,
                "A header you provided implies functionality that is not implemented: {name}"
            ));
        }
        let mut values = headers.get_all(name).iter();
        let first = values.next();
        if values.next().is_some() && (asks_for_a_function(name) || is_stored(name)) {
            return Err(s3_error!(InvalidRequest, "The header {name} is repeated"));
        }
        // `s3s` takes an empty value for an absent one
        let is_empty = first.is_some_and(hyper::header::HeaderValue::is_empty);
        if is_empty && !is_metadata && (asks_for_a_function(name) || is_stored(name)) {
            return Err(s3_error!(InvalidArgument, "The header {name} is empty"));
        }
    }
    Ok(())
}

/// True for user metadata with a name of its own.
pub(crate) fn is_metadata(name: &str) -> bool {
    name.len() > METADATA_PREFIX.len() && name.starts_with(METADATA_PREFIX)
}

/// True for the headers that a PUT stores and a GET returns, user metadata apart.
pub(crate) fn is_stored(name: &str) -> bool {
    matches!(
        name,
        "cache-control"
            | "content-disposition"
            | "content-encoding"
            | "content-language"
            | "content-type"
            | "expires"
    )
}

/// True for headers that change what a request does or what it leaves behind.
fn asks_for_a_function(name: &str) -> bool {
    name.starts_with("x-amz-")
        || name.starts_with("if-")
        || matches!(name, "range" | "content-range" | "content-md5")
}

fn check_length(headers: &HeaderMap) -> S3Result<()> {
    let length = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse::<u64>().ok())
    };
    let Some(bytes) = length(CONTENT_LENGTH.as_str()) else {
        return Err(s3_error!(
            MissingContentLength,
            "You must provide the Content-Length HTTP header."
        ));
    };
    let decoded = length("x-amz-decoded-content-length").unwrap_or(bytes);
    if bytes.max(decoded) > LARGEST_OBJECT_BYTES {
        return Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header_pairs::headers;
    use s3s::S3ErrorCode;

    fn honoured(operation: &str) -> &'static Honoured {
        OPERATIONS
            .iter()
            .find(|known| known.operation == operation)
            .unwrap()
    }

    fn put(pairs: &[(&str, &str)]) -> Result<(), S3ErrorCode> {
        check_headers(honoured("PutObject"), &headers(pairs)).map_err(|error| error.code().clone())
    }

    fn query(operation: &str, query: &str) -> Result<(), S3ErrorCode> {
        check_query(honoured(operation), Some(query)).map_err(|error| error.code().clone())
    }

    #[test]
    fn a_put_stores_its_type_and_metadata() {
        assert_eq!(
            put(&[
                ("content-type", "image/jpeg"),
                ("if-none-match", "*"),
                ("x-amz-meta-a", ""),
                ("user-agent", "x"),
            ]),
            Ok(())
        );
    }

    #[test]
    fn a_header_that_asks_for_more_is_refused() {
        for name in [
            "x-amz-acl",
            "x-amz-copy-source",
            "x-amz-expected-bucket-owner",
            "x-amz-grant-read",
            "x-amz-meta-",
            "x-amz-object-lock-mode",
            "x-amz-server-side-encryption",
            "x-amz-server-side-encryption-customer-key",
            "x-amz-storage-class",
            "x-amz-tagging",
            "x-amz-unheard-of",
            "x-amz-website-redirect-location",
            "x-amz-write-offset-bytes",
            "if-match",
            "if-modified-since",
            "range",
            "content-range",
        ] {
            assert_eq!(
                put(&[(name, "v")]),
                Err(S3ErrorCode::NotImplemented),
                "{name}"
            );
        }
    }

    #[test]
    fn a_header_that_counts_is_neither_empty_nor_repeated() {
        for name in ["content-type", "if-none-match", "x-amz-checksum-sha256"] {
            assert_eq!(
                put(&[(name, "")]),
                Err(S3ErrorCode::InvalidArgument),
                "{name}"
            );
            assert_eq!(
                put(&[(name, "a"), (name, "a")]),
                Err(S3ErrorCode::InvalidRequest),
                "{name}"
            );
        }
        assert_eq!(
            put(&[("x-amz-meta-a", "1"), ("x-amz-meta-a", "2")]),
            Err(S3ErrorCode::InvalidRequest)
        );
    }

    #[test]
    fn a_parameter_that_asks_for_more_is_refused() {
        for name in [
            "acl",
            "versionId=null",
            "partNumber=1",
            "unheard-of",
            "x-id=GetObject",
            "X-Amz-Checksum-Sha256=x",
            "X-Amz-Expires=60",
        ] {
            assert_eq!(
                query("PutObject", name),
                Err(S3ErrorCode::NotImplemented),
                "{name}"
            );
        }
        assert_eq!(query("PutObject", "x-id=PutObject"), Ok(()));
        assert_eq!(query("GetObject", "response-content-type=a/b"), Ok(()));
        assert_eq!(
            query("GetObject", "response-expires=a&response-expires=a"),
            Err(S3ErrorCode::InvalidArgument)
        );
    }

    #[test]
    fn a_put_has_a_length_of_at_most_5_gib() {
        let check = |pairs: &[(&str, &str)]| {
            check_length(&headers(pairs)).map_err(|error| error.code().clone())
        };
        assert_eq!(check(&[]), Err(S3ErrorCode::MissingContentLength));
        assert_eq!(check(&[("content-length", "5368709120")]), Ok(()));
        assert_eq!(
            check(&[("content-length", "5368709121")]),
            Err(S3ErrorCode::EntityTooLarge)
        );
        assert_eq!(
            check(&[
                ("content-length", "9"),
                ("x-amz-decoded-content-length", "5368709121")
            ]),
            Err(S3ErrorCode::EntityTooLarge)
        );
    }
}
