//! The claims of a request about its signature, parsed before the signature is checked.
//!
//! Two forms exist: the `Authorization` header
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html>)
//! and the query of a presigned URL
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>).

use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3Result, s3_error};
use secrecy::ExposeSecret as _;
use url::form_urlencoded;

use crate::settings::Credentials;

/// The only supported algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Where a request carries its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Header,
    PresignedUrl { expires_seconds: u32 },
}

/// The scope and the signed headers that a signature claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) mechanism: Mechanism,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) signed_headers: Vec<String>,
}

/// Returns the pairs of a query, percent-decoded, in their order.
pub(crate) fn query_pairs(query: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

/// Returns whether the query has a signature of version 4.
pub(crate) fn is_presigned(query: &[(String, String)]) -> bool {
    query.iter().any(|(name, _)| name == "X-Amz-Signature")
}

impl Claim {
    /// Reads the claim of a request.
    ///
    /// # Errors
    /// 403 for a request without a signature; 400 for version 2, for two signatures at once
    /// and for malformed ones. Version 2 must be refused here, since `s3s` would try it first.
    pub(crate) fn of(request: &Parts) -> S3Result<Self> {
        let query = query_pairs(request.uri.query());
        let mut headers = request.headers.get_all(AUTHORIZATION).iter();
        let (header, more) = (headers.next(), headers.next().is_some());
        let is_query_v2 = query
            .iter()
            .any(|(name, _)| name == "Signature" || name == "AWSAccessKeyId");
        match (header, is_presigned(&query)) {
            _ if more => Err(s3_error!(
                InvalidRequest,
                "The Authorization header is repeated"
            )),
            _ if is_query_v2 => Err(signature_version_2()),
            (Some(_), true) => Err(s3_error!(
                InvalidArgument,
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, \
                 Signature query string parameter or the Authorization header should be specified"
            )),
            (None, false) => Err(s3_error!(AccessDenied, "Access Denied")),
            (None, true) => Self::of_query(&query),
            (Some(header), false) => header
                .to_str()
                .map_err(|_| malformed_header())
                .and_then(Self::of_header),
        }
    }

    fn of_header(header: &str) -> S3Result<Self> {
        if header.starts_with("AWS ") {
            return Err(signature_version_2());
        }
        let Some(fields) = header
            .strip_prefix(ALGORITHM)
            .and_then(|fields| fields.strip_prefix(' '))
        else {
            return Err(s3_error!(InvalidArgument, "Unsupported Authorization Type"));
        };
        let mut fields = fields.split(',').map(str::trim);
        let mut field = |prefix: &str| {
            fields
                .next()
                .and_then(|field| field.strip_prefix(prefix))
                .ok_or_else(malformed_header)
        };
        let credential = field("Credential=")?;
        let signed_headers = field("SignedHeaders=")?;
        field("Signature=")?;
        if fields.next().is_some() {
            return Err(malformed_header());
        }
        let (region, service) = scope(credential).ok_or_else(malformed_header)?;
        Ok(Self {
            mechanism: Mechanism::Header,
            region,
            service,
            signed_headers: split_headers(signed_headers),
        })
    }

    fn of_query(query: &[(String, String)]) -> S3Result<Self> {
        let parameter = |name: &str| {
            let mut values = query.iter().filter(|(other, _)| other == name);
            match (values.next(), values.next()) {
                (Some((_, value)), None) => Ok(value.as_str()),
                _ => Err(malformed_query(&format!(
                    "{name} must be given, exactly once"
                ))),
            }
        };
        if parameter("X-Amz-Algorithm")? != ALGORITHM {
            return Err(malformed_query(
                "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"",
            ));
        }
        let (region, service) = scope(parameter("X-Amz-Credential")?)
            .ok_or_else(|| malformed_query("Error parsing the X-Amz-Credential parameter"))?;
        // `s3s` checks their form
        parameter("X-Amz-Date")?;
        parameter("X-Amz-Signature")?;
        let expires = parameter("X-Amz-Expires")?;
        // `u32::from_str` accepts a sign; S3 does not
        let expires_seconds = Some(expires)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| malformed_query("X-Amz-Expires should be a number"))?;
        Ok(Self {
            mechanism: Mechanism::PresignedUrl { expires_seconds },
            region,
            service,
            signed_headers: split_headers(parameter("X-Amz-SignedHeaders")?),
        })
    }
}

/// Returns region and service of `key-id/date/region/service/aws4_request`.
fn scope(credential: &str) -> Option<(String, String)> {
    let mut parts = credential.split('/');
    let (_key_id, _date) = (parts.next()?, parts.next()?);
    let (region, service, end) = (parts.next()?, parts.next()?, parts.next()?);
    (end == "aws4_request" && parts.next().is_none())
        .then(|| (region.to_owned(), service.to_owned()))
}

fn split_headers(signed_headers: &str) -> Vec<String> {
    signed_headers.split(';').map(str::to_owned).collect()
}

fn signature_version_2() -> S3Error {
    s3_error!(
        InvalidRequest,
        "The authorization mechanism you have provided is not supported. \
         Please use AWS4-HMAC-SHA256."
    )
}

fn malformed_header() -> S3Error {
    s3_error!(
        AuthorizationHeaderMalformed,
        "The authorization header that you provided is not valid."
    )
}

fn malformed_query(message: &str) -> S3Error {
    s3_error!(AuthorizationQueryParametersError, "{message}")
}

/// The only key pair, for `s3s`.
pub(crate) struct KeyPairAuth {
    access_key_id: String,
    secret: SecretKey,
}

impl KeyPairAuth {
    pub(crate) fn new(credentials: &Credentials) -> Self {
        Self {
            access_key_id: credentials.access_key_id.clone(),
            secret: SecretKey::from(credentials.secret_access_key.expose_secret()),
        }
    }
}

#[async_trait::async_trait]
impl S3Auth for KeyPairAuth {
    async fn get_secret_key(&self, access_key_id: &str) -> S3Result<SecretKey> {
        if access_key_id == self.access_key_id {
            Ok(self.secret.clone())
        } else {
            Err(s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;
    use s3s::S3ErrorCode;

    const CREDENTIAL: &str = "AKID/20261124/eu-central-1/s3/aws4_request";

    fn claim(uri: &str, authorization: &[&str]) -> Result<Claim, S3ErrorCode> {
        let mut request = Request::get(uri);
        for value in authorization {
            request = request.header(AUTHORIZATION, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Claim::of(&parts).map_err(|error| error.code().clone())
    }

    fn presigned(expires: &str) -> String {
        format!(
            "/b/k?X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={CREDENTIAL}&X-Amz-Date=x\
             &X-Amz-Expires={expires}&X-Amz-SignedHeaders=host%3Bx-amz-date&X-Amz-Signature=00"
        )
    }

    fn expected(mechanism: Mechanism) -> Claim {
        Claim {
            mechanism,
            region: "eu-central-1".to_owned(),
            service: "s3".to_owned(),
            signed_headers: vec!["host".to_owned(), "x-amz-date".to_owned()],
        }
    }

    #[test]
    fn a_claim_is_read_from_either_place() {
        let header = format!(
            "{ALGORITHM} Credential={CREDENTIAL}, SignedHeaders=host;x-amz-date,Signature=00"
        );
        assert_eq!(claim("/b/k", &[&header]), Ok(expected(Mechanism::Header)));
        let expires_seconds = 900;
        assert_eq!(
            claim(&presigned("900"), &[]),
            Ok(expected(Mechanism::PresignedUrl { expires_seconds }))
        );
    }

    #[test]
    fn what_is_no_single_version_4_signature_is_refused() {
        use S3ErrorCode as Code;
        let header =
            format!("{ALGORITHM} Credential={CREDENTIAL}, SignedHeaders=host, Signature=0");
        let extra = format!("{header}, Signature=1");
        for (uri, authorization, code) in [
            ("/b/k", vec![], Code::AccessDenied),
            ("/b/k", vec!["AWS AKID:c2ln"], Code::InvalidRequest),
            ("/b/k", vec!["Bearer x"], Code::InvalidArgument),
            ("/b/k", vec![header.as_str(), &header], Code::InvalidRequest),
            (
                "/b/k",
                vec![extra.as_str()],
                Code::AuthorizationHeaderMalformed,
            ),
            (&presigned("900"), vec![&header], Code::InvalidArgument),
            (
                "/b/k?AWSAccessKeyId=AKID&Expires=1&Signature=c2ln",
                vec![],
                Code::InvalidRequest,
            ),
            (
                &format!("{}&Signature=c2ln", presigned("900")),
                vec![],
                Code::InvalidRequest,
            ),
        ] {
            assert_eq!(claim(uri, &authorization), Err(code), "{uri}");
        }
    }

    #[test]
    fn an_expiry_is_digits_alone() {
        for expires in ["", "-1", "%2B900", "9e2", "900s", "99999999999"] {
            assert_eq!(
                claim(&presigned(expires), &[]),
                Err(S3ErrorCode::AuthorizationQueryParametersError),
                "{expires:?}"
            );
        }
    }
}
