use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use nexus_raw::{net::TrustedUrl, ports::BoxError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::settings::S3Settings;

/// All but the unreserved characters of RFC 3986: the encoding of a path or a query value that S3
/// signs (Amazon S3 API Reference, "Signature Calculations", `UriEncode`).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// As [`RESERVED`], but slashes of a key are not encoded.
const RESERVED_IN_KEY: &AsciiSet = &RESERVED.remove(b'/');

/// The URL of the bucket, in its parts.
#[derive(Debug, Clone)]
pub(crate) struct BucketUrl {
    /// Scheme and host.
    pub(crate) origin: String,
    /// The value of `Host`.
    pub(crate) host: String,
    /// Without a trailing slash; empty if the bucket is in the host.
    pub(crate) path: String,
}

/// The error of an endpoint that is not a valid address.
#[derive(Debug, thiserror::Error)]
#[error("endpoint must be a URL without query")]
struct EndpointShape;

impl BucketUrl {
    /// Resolves the URL by the SDK's rules for partitions, path style, and buckets with dots.
    pub(crate) async fn resolve(settings: &S3Settings) -> Result<Self, BoxError> {
        let endpoint = settings.endpoint.as_ref().map(TrustedUrl::as_url);
        if endpoint.is_some_and(|it| it.query().is_some()) {
            return Err(Box::new(EndpointShape));
        }
        let params = Params::builder()
            .bucket(settings.bucket.as_str())
            .region(&settings.region)
            .force_path_style(settings.force_path_style)
            .set_endpoint(endpoint.map(ToString::to_string))
            .build()?;
        let endpoint = DefaultResolver::new().resolve_endpoint(&params).await?;
        let parts = Self::split(endpoint.url());
        parts.ok_or_else(|| Box::new(EndpointShape).into())
    }

    /// The parser of the setting has dropped the port that is the scheme's own, as clients do.
    fn split(url: &str) -> Option<Self> {
        let url = url.trim_end_matches('/');
        let (scheme, rest) = url.split_once("://")?;
        let host = rest.split('/').next()?;
        Some(Self {
            origin: format!("{scheme}://{host}"),
            host: host.to_owned(),
            path: rest.strip_prefix(host)?.to_owned(),
        })
    }
}

/// Appends a key to a path.
pub(crate) fn push_key(path: &mut String, key: &str) {
    path.extend(utf8_percent_encode(key, RESERVED_IN_KEY));
}

/// Appends the value of a parameter to a query.
pub(crate) fn push_encoded(query: &mut String, value: &str) {
    query.extend(utf8_percent_encode(value, RESERVED));
}
