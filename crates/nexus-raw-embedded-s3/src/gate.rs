//! The checks that `s3s` expects its host to make before it.
//!
//! `s3s` then checks the signature over the headers that the claim names.

use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;
use s3s::{S3Error, S3Result, s3_error};

use crate::auth::{Claim, Mechanism, query_pairs};
use crate::misbehaviour::{Misbehaviour, Misbehaviours};

/// The maximum lifetime of a presigned URL:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>.
const MAX_EXPIRY_SECONDS: u32 = 604_800;

/// The checks of a request's head that need neither the secret nor the store.
pub(crate) struct Gate {
    pub(crate) region: String,
    pub(crate) misbehaviours: Misbehaviours,
}

impl Gate {
    /// Checks a request.
    pub(crate) fn check(&self, request: &Parts) -> S3Result<()> {
        // an absolute target could name another host than the signed `Host` header
        if request.uri.authority().is_some() {
            return Err(s3_error!(InvalidURI, "Couldn't parse the specified URI."));
        }
        let claim = Claim::of(request)?;
        self.check_scope(&claim)?;
        check_expiry(claim.mechanism)?;
        check_session_token(request)?;
        check_encoding(&request.headers, &claim)?;
        check_signed_headers(&request.headers, &claim)?;
        if !self
            .misbehaviours
            .include(Misbehaviour::AcceptUnsignedHeaders)
        {
            check_unsigned_headers(&request.headers, &claim)?;
        }
        if request.method == Method::POST && !is_of_multipart_upload(request) {
            return Err(s3_error!(
                MethodNotAllowed,
                "The specified method is not allowed against this resource."
            ));
        }
        Ok(())
    }

    fn check_scope(&self, claim: &Claim) -> S3Result<()> {
        if claim.region != self.region {
            return Err(malformed(
                claim,
                &format!(
                    "the region '{}' is wrong; expecting '{}'",
                    claim.region, self.region
                ),
            ));
        }
        if claim.service != "s3" {
            return Err(malformed(
                claim,
                &format!("incorrect service \"{}\"; expecting 's3'", claim.service),
            ));
        }
        Ok(())
    }
}

/// Returns whether a POST may create or complete a multipart upload; no other POST is supported. A
/// form, which `s3s` would read in any case, has its own policy.
fn is_of_multipart_upload(request: &Parts) -> bool {
    let is_form = request.headers.get(CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.as_bytes().to_ascii_lowercase();
        kind.starts_with(b"multipart/")
    });
    let names = query_pairs(request.uri.query());
    let is_named = names
        .iter()
        .any(|(name, _)| name == "uploads" || name == "uploadId");
    is_named && !is_form
}

fn malformed(claim: &Claim, reason: &str) -> S3Error {
    match claim.mechanism {
        Mechanism::Header => s3_error!(
            AuthorizationHeaderMalformed,
            "The authorization header is malformed; {reason}"
        ),
        Mechanism::PresignedUrl { .. } => s3_error!(
            AuthorizationQueryParametersError,
            "Error parsing the X-Amz-Credential parameter; {reason}"
        ),
    }
}

fn check_expiry(mechanism: Mechanism) -> S3Result<()> {
    match mechanism {
        Mechanism::PresignedUrl { expires_seconds: 0 } => Err(s3_error!(
            AuthorizationQueryParametersError,
            "X-Amz-Expires must be positive"
        )),
        Mechanism::PresignedUrl { expires_seconds } if expires_seconds > MAX_EXPIRY_SECONDS => {
            Err(s3_error!(
                AuthorizationQueryParametersError,
                "X-Amz-Expires must be less than a week (in seconds); \
                 that is, the given X-Amz-Expires must be less than 604800 seconds"
            ))
        }
        Mechanism::PresignedUrl { .. } | Mechanism::Header => Ok(()),
    }
}

/// Refuses a session token, since the only key pair is not temporary.
fn check_session_token(request: &Parts) -> S3Result<()> {
    let in_header = request.headers.contains_key("x-amz-security-token");
    let in_query = query_pairs(request.uri.query())
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("x-amz-security-token"));
    if in_header || in_query {
        return Err(s3_error!(
            InvalidToken,
            "The provided token is malformed or otherwise invalid."
        ));
    }
    Ok(())
}

/// Refuses values that are not UTF-8, which `s3s` omits from the signature, and tabs, which it
/// treats as spaces; AWS does neither.
fn check_encoding(headers: &HeaderMap, claim: &Claim) -> S3Result<()> {
    for (name, value) in headers {
        let name = name.as_str();
        let counts =
            name.starts_with("x-amz-") || claim.signed_headers.iter().any(|signed| signed == name);
        let is_plain = value.to_str().is_ok_and(|text| !text.contains('\t'));
        if counts && !is_plain {
            return Err(s3_error!(
                InvalidArgument,
                "The value of the header {name} is not plain ASCII"
            ));
        }
    }
    Ok(())
}

/// Checks that the list is canonical and names `host` and only headers of the request.
fn check_signed_headers(headers: &HeaderMap, claim: &Claim) -> S3Result<()> {
    let signed = &claim.signed_headers;
    if !signed.is_sorted_by(|one, next| one < next) {
        return Err(s3_error!(
            SignatureDoesNotMatch,
            "The signed headers must be sorted and distinct"
        ));
    }
    if !signed.iter().any(|name| name == "host") {
        return Err(s3_error!(
            AccessDenied,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        ));
    }
    let came = |name: &String| {
        !name.bytes().any(|byte| byte.is_ascii_uppercase()) && headers.contains_key(name.as_str())
    };
    if !signed.iter().all(came) {
        return Err(s3_error!(
            SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided. \
             Check your key and signing method."
        ));
    }
    Ok(())
}

/// Refuses `x-amz-*` headers that are not signed, as AWS does.
fn check_unsigned_headers(headers: &HeaderMap, claim: &Claim) -> S3Result<()> {
    let is_unsigned = |name: &str| {
        name.starts_with("x-amz-") && !claim.signed_headers.iter().any(|signed| signed == name)
    };
    if headers.keys().any(|name| is_unsigned(name.as_str())) {
        return Err(s3_error!(
            AccessDenied,
            "There were headers present in the request which were not signed"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;
    use hyper::header::{AUTHORIZATION, HeaderValue};
    use s3s::S3ErrorCode;

    const SCOPE: &str = "us-east-1/s3";

    fn gate() -> Gate {
        Gate {
            region: "us-east-1".to_owned(),
            misbehaviours: Misbehaviours::default(),
        }
    }

    fn presigned(scope: &str, expires: &str, signed: &str) -> String {
        format!(
            "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID/20261124/{scope}/aws4_request\
             &X-Amz-Date=x&X-Amz-Expires={expires}&X-Amz-SignedHeaders={signed}&X-Amz-Signature=00"
        )
    }

    fn check(method: &str, uri: &str, headers: &[(&str, &[u8])]) -> Result<(), S3ErrorCode> {
        let mut request = Request::builder().method(method).uri(uri).body(()).unwrap();
        for (name, value) in headers {
            let name = hyper::header::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request
                .headers_mut()
                .append(name, HeaderValue::from_bytes(value).unwrap());
        }
        gate()
            .check(&request.into_parts().0)
            .map_err(|error| error.code().clone())
    }

    #[test]
    fn a_well_formed_claim_passes() {
        let uri = presigned(SCOPE, "604800", "host;x-amz-meta-a");
        let headers: &[(&str, &[u8])] = &[("host", b"h"), ("x-amz-meta-a", b"1"), ("accept", b"*")];
        assert_eq!(check("PUT", &uri, headers), Ok(()));
    }

    #[test]
    fn each_broken_rule_has_its_answer() {
        use S3ErrorCode as Code;
        let query = Code::AuthorizationQueryParametersError;
        let host: (&str, &[u8]) = ("host", b"h");
        let cases = vec![
            (
                presigned("eu-west-1/s3", "60", "host"),
                vec![host],
                query.clone(),
            ),
            (
                presigned("us-east-1/sts", "60", "host"),
                vec![host],
                query.clone(),
            ),
            (presigned(SCOPE, "0", "host"), vec![host], query.clone()),
            (presigned(SCOPE, "604801", "host"), vec![host], query),
            (
                presigned(SCOPE, "60", "accept"),
                vec![host, ("accept", b"*")],
                Code::AccessDenied,
            ),
            (
                presigned(SCOPE, "60", "Host"),
                vec![host],
                Code::AccessDenied,
            ),
            (
                presigned(SCOPE, "60", "host;host"),
                vec![host],
                Code::SignatureDoesNotMatch,
            ),
            (
                presigned(SCOPE, "60", "host;a"),
                vec![host, ("a", b"")],
                Code::SignatureDoesNotMatch,
            ),
            (
                presigned(SCOPE, "60", "host;if-match"),
                vec![host],
                Code::SignatureDoesNotMatch,
            ),
            (
                presigned(SCOPE, "60", "host"),
                vec![host, ("x-amz-acl", b"private")],
                Code::AccessDenied,
            ),
            (
                presigned(SCOPE, "60", "host"),
                vec![host, ("x-amz-meta-a", b"\xff")],
                Code::InvalidArgument,
            ),
            (
                presigned(SCOPE, "60", "a;host"),
                vec![host, ("a", b"one\ttwo")],
                Code::InvalidArgument,
            ),
            (
                presigned(SCOPE, "60", "a;host"),
                vec![host, ("a", b"\xe9")],
                Code::InvalidArgument,
            ),
            (
                presigned(SCOPE, "60", "host") + "&X-Amz-Security-Token=t",
                vec![host],
                Code::InvalidToken,
            ),
            ("http://h/b/k".to_owned(), vec![host], Code::InvalidURI),
        ];
        for (uri, headers, code) in cases {
            assert_eq!(check("PUT", &uri, &headers), Err(code), "{uri} {headers:?}");
        }
    }

    #[test]
    fn a_foreign_region_in_the_header_is_malformed() {
        let header = "AWS4-HMAC-SHA256 Credential=A/1/eu-west-1/s3/aws4_request, \
                      SignedHeaders=host, Signature=00";
        let headers = [
            ("host", "h".as_bytes()),
            (AUTHORIZATION.as_str(), header.as_bytes()),
        ];
        assert_eq!(
            check("GET", "/b/k", &headers),
            Err(S3ErrorCode::AuthorizationHeaderMalformed)
        );
    }

    #[test]
    fn a_post_is_refused_before_its_form_is_read() {
        let uri = presigned(SCOPE, "60", "host");
        let refused = Err(S3ErrorCode::MethodNotAllowed);
        for more in ["", "&uploads", "&uploadId=a"] {
            for form in ["multipart/form-data; boundary=x", "Multipart/Form-Data"] {
                let headers = [("host", "h".as_bytes()), ("content-type", form.as_bytes())];
                let uri = format!("{uri}{more}");
                assert_eq!(check("POST", &uri, &headers), refused, "{uri}");
            }
        }
    }

    #[test]
    fn a_post_is_of_a_multipart_upload() {
        let uri = presigned(SCOPE, "60", "host");
        let headers: &[(&str, &[u8])] = &[("host", b"h"), ("content-type", b"image/jpeg")];
        for more in ["&uploads", "&uploads=", "&uploadId=a"] {
            assert_eq!(
                check("POST", &format!("{uri}{more}"), headers),
                Ok(()),
                "{more}"
            );
        }
        for more in ["", "&restore", "&upload"] {
            let refused = Err(S3ErrorCode::MethodNotAllowed);
            assert_eq!(
                check("POST", &format!("{uri}{more}"), headers),
                refused,
                "{more}"
            );
        }
    }
}
