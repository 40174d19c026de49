use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use nexus_raw::{net::TrustedUrl, ports::BoxError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::settings::S3Settings;

/// All but the unreserved characters of RFC 3986: how S3 wants a path or a query value encoded,
/// once, to be signed (Amazon S3 API Reference, "Signature Calculations", `UriEncode`).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// In a key, slashes stay.
const RESERVED_IN_KEY: &AsciiSet = &RESERVED.remove(b'/');

/// Where the bucket is, without a slash at the end.
#[derive(Debug, Clone)]
pub(crate) struct BucketUrl(String);

/// The endpoint that was given is no place of a store.
#[derive(Debug, thiserror::Error)]
#[error("must be a URL without query")]
struct EndpointShape;

impl BucketUrl {
    /// By the SDK's own rules: they know of partitions, path style, and buckets with dots.
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

    /// The URL of an object, with the query parameter by which the SDK tells what it asks.
    pub(crate) fn put_object(&self, key: &str) -> String {
        let key = utf8_percent_encode(key, RESERVED_IN_KEY);
        format!("{}/{key}?x-id=PutObject", self.0)
    }
}

/// Adds a parameter to a URL that has one.
pub(crate) fn push_parameter(url: &mut String, name: &str, value: &str) {
    url.push('&');
    url.push_str(name);
    url.push('=');
    url.extend(utf8_percent_encode(value, RESERVED));
}
