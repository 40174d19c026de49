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

/// The URL of the bucket, without a trailing slash.
#[derive(Debug, Clone)]
pub(crate) struct BucketUrl(String);

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
        Ok(Self(endpoint.url().trim_end_matches('/').to_owned()))
    }

    /// Returns the URL of an object, with the query parameter by which the SDK names its operation.
    pub(crate) fn object(&self, key: &str, operation: &str) -> String {
        let key = utf8_percent_encode(key, RESERVED_IN_KEY);
        format!("{}/{key}?x-id={operation}", self.0)
    }
}

/// Adds a parameter to a URL that has one.
pub(crate) fn push_parameter(url: &mut String, name: &str, value: &str) {
    url.push('&');
    url.push_str(name);
    url.push('=');
    url.extend(utf8_percent_encode(value, RESERVED));
}
