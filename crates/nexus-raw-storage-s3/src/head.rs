//! The HEAD of an object.
//!
//! Every registration makes one. The SDK's layers cost a dozen times what it takes to sign and send
//! it, so the first attempt does without them, and the SDK makes the other ones.

use std::time::Duration;

use aws_sdk_s3::{
    Config,
    config::{
        http::{HttpRequest, HttpResponse},
        retry::RetryConfig,
    },
    operation::head_object::HeadObjectOutput,
    primitives::SdkBody,
    types::{ChecksumMode, ChecksumType, ServerSideEncryption},
};
use aws_smithy_runtime_api::{client::http::HttpConnector, http::Headers};
use tokio::time::{Instant, timeout};

use crate::{
    client::{ATTEMPTS, retries},
    failure::{FailureKind, RequestFailure, request_id},
    store::Store,
};

const OPERATION: &str = "HeadObject";

/// The prefix of user metadata.
const METADATA_PREFIX: &str = "x-amz-meta-";

/// The head of an object; `None` if there is none.
type Found = Option<HeadObjectOutput>;

impl Store {
    /// Returns the head of the object at a key; `None` if there is none.
    pub(crate) async fn head(&self, key: &str) -> Result<Found, RequestFailure> {
        let started = Instant::now();
        if let Some(found) = self.first_attempt(key).await? {
            return Ok(found);
        }
        let left = self.deadlines.operation.saturating_sub(started.elapsed());
        self.other_attempts(key, left).await
    }

    /// Sends the request once. Returns `None` where another attempt may help, or the SDK should read
    /// the answer.
    async fn first_attempt(&self, key: &str) -> Result<Option<Found>, RequestFailure> {
        let request = self
            .head_request(key)
            .ok_or_else(|| RequestFailure::new(OPERATION, FailureKind::NotSent))?;
        let answer = timeout(self.deadlines.attempt, self.connector.call(request)).await;
        let Ok(Ok(answer)) = answer else {
            return Ok(None);
        };
        match answer.status().as_u16() {
            200 => Ok(head_of(answer.headers()).map(Some)),
            // also for a delete marker; 405 for a version that is one
            404 => Ok(Some(None)),
            status if is_final(status) => Err(refusal(&answer)),
            _ => Ok(None),
        }
    }

    fn head_request(&self, key: &str) -> Option<HttpRequest> {
        let at = u64::try_from(self.clock.now().as_unix_seconds()).unwrap_or(0);
        let credentials = self.credentials.current();
        let signed = self.signer.sign_head(key, at, &credentials).ok()?;
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_method("HEAD").ok()?;
        request.set_uri(signed.url).ok()?;
        for (name, value) in signed.headers {
            request.headers_mut().try_insert(name, value).ok()?;
        }
        Some(request)
    }

    async fn other_attempts(&self, key: &str, left: Duration) -> Result<Found, RequestFailure> {
        let attempts: RetryConfig = retries(self.deadlines, ATTEMPTS - 1);
        let request = self
            .client
            .head_object()
            .bucket(self.bucket().as_str())
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .set_expected_bucket_owner(self.settings.expected_bucket_owner.clone())
            .customize()
            .config_override(Config::builder().retry_config(attempts));
        match timeout(left, request.send()).await {
            Ok(Ok(head)) => Ok(Some(head)),
            Ok(Err(error)) => {
                let failure = RequestFailure::sdk(OPERATION, &error);
                if failure.status() == Some(404) {
                    Ok(None)
                } else {
                    Err(failure)
                }
            }
            Err(_) => Err(RequestFailure::new(OPERATION, FailureKind::Timeout)),
        }
    }
}

/// Returns whether the SDK would not retry after an error status.
fn is_final(status: u16) -> bool {
    status >= 300 && !matches!(status, 500 | 502..=504)
}

/// A response to HEAD has no body, hence no code.
fn refusal(answer: &HttpResponse) -> RequestFailure {
    RequestFailure::refusal(
        OPERATION,
        answer.status().as_u16(),
        None,
        request_id(answer),
    )
}

/// Returns what a store says of an object. `None` where a header is not plain: malformed, repeated,
/// or no UTF-8.
fn head_of(headers: &Headers) -> Option<HeadObjectOutput> {
    let mut head = HeadObjectOutput::builder();
    let mut seen: Vec<&str> = Vec::with_capacity(headers.len());
    for (name, value) in headers.iter_bytes() {
        let value = || std::str::from_utf8(value).ok().map(str::trim);
        head = match name {
            "content-length" => head.content_length(value()?.parse().ok()?),
            "content-type" => head.content_type(value()?),
            "content-encoding" => head.content_encoding(value()?),
            "content-disposition" => head.content_disposition(value()?),
            "content-language" => head.content_language(value()?),
            "etag" => head.e_tag(value()?),
            "x-amz-checksum-sha256" => head.checksum_sha256(value()?),
            "x-amz-checksum-type" => head.checksum_type(ChecksumType::from(value()?)),
            "x-amz-delete-marker" => head.delete_marker(value()?.parse().ok()?),
            "x-amz-missing-meta" => head.missing_meta(value()?.parse().ok()?),
            "x-amz-server-side-encryption" => {
                head.server_side_encryption(ServerSideEncryption::from(value()?))
            }
            "x-amz-version-id" => head.version_id(value()?),
            "x-amz-website-redirect-location" => head.website_redirect_location(value()?),
            _ => match name.strip_prefix(METADATA_PREFIX) {
                Some(entry) => head.metadata(entry, value()?),
                None => continue,
            },
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
    }
    Some(head.build())
}
