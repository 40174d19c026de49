//! The headers and parameters that each operation supports. Others of S3 are refused, never ignored.
//!
//! `s3s` calls this after the check of the signature and before it reads the body.

use hyper::header::{CONTENT_LENGTH, HeaderMap};
use s3s::access::{S3Access, S3AccessContext};
use s3s::{S3Result, s3_error};

use crate::auth::{is_presigned, query_pairs};
use crate::operations::{OPERATIONS, Supported};

/// The maximum size of a single PUT or of a part, 5 GiB:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.
const MAX_OBJECT_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// A bucket's configuration has some 200 bytes.
const MAX_CONFIGURATION_BYTES: u64 = 16 * 1024;

/// The prefix of user metadata.
pub(crate) const METADATA_PREFIX: &str = "x-amz-meta-";

/// Headers without a function, allowed with every operation.
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

/// The access rules, called by `s3s`.
pub(crate) struct AccessRules;

#[async_trait::async_trait]
impl S3Access for AccessRules {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let operation = context.s3_op().name();
        let Some(supported) = OPERATIONS.iter().find(|known| known.operation == operation) else {
            return Err(s3_error!(NotImplemented, "{operation} is not implemented"));
        };
        check_query(supported, context.uri().query())?;
        check_headers(supported, context.headers())?;
        match operation {
            "PutObject" | "UploadPart" => check_length(context.headers())?,
            "CreateBucket" => check_configuration(context.headers())?,
            _ => {}
        }
        Ok(())
    }
}

fn check_query(supported: &Supported, query: Option<&str>) -> S3Result<()> {
    let pairs = query_pairs(query);
    let presigned = is_presigned(&pairs);
    for (name, value) in &pairs {
        let name = name.as_str();
        // the SDKs repeat the operation's name, which has no function
        let is_neutral = (name == "x-id" && value == supported.operation)
            || (presigned && PRESIGNED_QUERY.contains(&name));
        if !is_neutral && !supported.query.contains(&name) {
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

fn check_headers(supported: &Supported, headers: &HeaderMap) -> S3Result<()> {
    for name in headers.keys() {
        let name = name.as_str();
        let is_metadata = supported.metadata && is_metadata(name);
        let is_honoured = is_metadata
            || NEUTRAL_HEADERS.contains(&name)
            || supported.headers.contains(&name)
            || !has_a_function(name);
        if !is_honoured {
            return Err(s3_error!(
                NotImplemented,
                "A header you provided implies functionality that is not implemented: {name}"
            ));
        }
        let mut values = headers.get_all(name).iter();
        let first = values.next();
        if values.next().is_some() && (has_a_function(name) || is_stored(name)) {
            return Err(s3_error!(InvalidRequest, "The header {name} is repeated"));
        }
        // `s3s` treats an empty value as absent
        let is_empty = first.is_some_and(hyper::header::HeaderValue::is_empty);
        if is_empty && !is_metadata && (has_a_function(name) || is_stored(name)) {
            return Err(s3_error!(InvalidArgument, "The header {name} is empty"));
        }
    }
    Ok(())
}

/// Returns whether a header is user metadata with a name.
pub(crate) fn is_metadata(name: &str) -> bool {
    name.len() > METADATA_PREFIX.len() && name.starts_with(METADATA_PREFIX)
}

/// Returns whether a PUT stores and a GET returns the header, apart from user metadata.
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

/// Returns whether a header changes what a request does or stores.
fn has_a_function(name: &str) -> bool {
    name.starts_with("x-amz-")
        || name.starts_with("if-")
        || matches!(name, "range" | "content-range" | "content-md5")
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let value = headers.get(name)?.to_str().ok()?;
    value.parse().ok()
}

fn check_configuration(headers: &HeaderMap) -> S3Result<()> {
    match number(headers, CONTENT_LENGTH.as_str()) {
        Some(bytes) if bytes > MAX_CONFIGURATION_BYTES => Err(s3_error!(
            MaxMessageLengthExceeded,
            "Your request was too big."
        )),
        _ => Ok(()),
    }
}

fn check_length(headers: &HeaderMap) -> S3Result<()> {
    let Some(bytes) = number(headers, CONTENT_LENGTH.as_str()) else {
        return Err(s3_error!(
            MissingContentLength,
            "You must provide the Content-Length HTTP header."
        ));
    };
    let decoded = number(headers, "x-amz-decoded-content-length").unwrap_or(bytes);
    if bytes.max(decoded) > MAX_OBJECT_BYTES {
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

    fn supported(operation: &str) -> &'static Supported {
        OPERATIONS
            .iter()
            .find(|known| known.operation == operation)
            .unwrap()
    }

    fn put(pairs: &[(&str, &str)]) -> Result<(), S3ErrorCode> {
        check_headers(supported("PutObject"), &headers(pairs)).map_err(|error| error.code().clone())
    }

    fn query(operation: &str, query: &str) -> Result<(), S3ErrorCode> {
        check_query(supported(operation), Some(query)).map_err(|error| error.code().clone())
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
    fn a_header_of_another_feature_is_refused() {
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
    fn a_parameter_of_another_feature_is_refused() {
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
    fn only_an_object_has_metadata_and_conditions() {
        let part = supported("UploadPart");
        for name in ["x-amz-meta-a", "if-none-match", "x-amz-copy-source"] {
            let refused = check_headers(part, &headers(&[(name, "v")])).unwrap_err();
            assert_eq!(*refused.code(), S3ErrorCode::NotImplemented, "{name}");
        }
        assert_eq!(query("UploadPart", "partNumber=1&uploadId=a"), Ok(()));
        for (operation, parameter) in [
            ("PutObject", "uploadId=a"),
            ("GetObject", "uploadId=a"),
            ("CompleteMultipartUpload", "partNumber=1"),
            ("ListMultipartUploads", "delimiter=a"),
        ] {
            let refused = Err(S3ErrorCode::NotImplemented);
            assert_eq!(query(operation, parameter), refused, "{operation}");
        }
        let twice = query("UploadPart", "partNumber=1&partNumber=2&uploadId=a");
        assert_eq!(twice, Err(S3ErrorCode::InvalidArgument));
    }

    #[test]
    fn a_configuration_is_small() {
        let check = |length| check_configuration(&headers(&[("content-length", length)]));
        assert!(check("16384").is_ok());
        let refused = check("16385").unwrap_err();
        assert_eq!(*refused.code(), S3ErrorCode::MaxMessageLengthExceeded);
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
