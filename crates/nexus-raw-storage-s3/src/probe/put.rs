//! The probe's uploads: signed like every upload, then sent unchanged or tampered with.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_s3::{
    config::http::{HttpRequest, HttpResponse},
    primitives::{ByteStream, SdkBody},
};
use aws_smithy_runtime_api::client::http::HttpConnector;
use nexus_raw::asset::{ContentType, Sha256Digest};

use crate::{
    failure::{FailureKind, RequestFailure, request_id},
    signing::{Lifetime, PartUpload, SignedUpload, SigningFailure, Upload},
    store::Store,
};

/// The prefix of the probe's keys.
pub(crate) const PREFIX: &str = "nexus-raw-probe/v1/";

/// The content of the probe's objects.
pub(crate) const CONTENT: &str = "Written once by Nexus raw storage to try this bucket.\n";

/// Enough for all attempts of one upload.
pub(super) const URL_LIFE: Duration = Duration::from_mins(1);

/// AWS returns 409 while another write of the key is in progress, and expects a retry.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// An error's body has a few hundred bytes.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// A change to a request after signing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tampering {
    None,
    /// A signed header is left out.
    Without(&'static str),
    /// An unsigned header is added.
    With(&'static str, &'static str),
    /// Other bytes of the same length are sent.
    OtherBytes,
}

/// The outcome of an upload.
#[derive(Debug)]
pub(super) enum PutOutcome {
    Stored,
    /// The upload was valid, and the object exists already.
    AlreadyThere,
    Refused(RequestFailure),
}

/// Returns the upload of the probe's content to one of its keys.
pub(crate) fn upload(key: &str) -> Upload<'_> {
    Upload {
        key,
        size_bytes: CONTENT.len() as u64,
        content_type: ContentType::OCTET_STREAM,
        sha256: Sha256Digest::of(CONTENT.as_bytes()),
        // the names of real uploads, so that a policy over these names is checked as well
        metadata: [
            ("tenant-id", "t_nexus-raw-probe".to_owned()),
            ("env", "probe".to_owned()),
            (
                "asset-id",
                "00000000-0000-7000-8000-000000000000".to_owned(),
            ),
        ],
    }
}

/// Signs and sends, and retries at the store's request.
pub(super) async fn put(
    store: &Store,
    upload: &Upload<'_>,
    tampering: Tampering,
) -> Result<PutOutcome, RequestFailure> {
    let sign = |lifetime, credentials: &_| {
        let upload = upload.clone();
        store.signer.sign_upload(upload, lifetime, credentials)
    };
    send(store, "presigned PutObject", sign, tampering).await
}

/// As [`put`], one part of an upload.
pub(super) async fn put_part(
    store: &Store,
    upload: &PartUpload<'_>,
    tampering: Tampering,
) -> Result<PutOutcome, RequestFailure> {
    let sign = |lifetime, credentials: &_| store.signer.sign_part(upload, lifetime, credentials);
    send(store, "presigned UploadPart", sign, tampering).await
}

async fn send(
    store: &Store,
    operation: &'static str,
    sign: impl Fn(Lifetime, &Credentials) -> Result<SignedUpload, SigningFailure>,
    tampering: Tampering,
) -> Result<PutOutcome, RequestFailure> {
    let mut attempt = 1;
    loop {
        let lifetime = Lifetime::from_now(store.clock.now(), URL_LIFE);
        let signed = sign(lifetime, &store.credentials.current());
        let request = signed.ok().and_then(|signed| request(signed, tampering));
        let request =
            request.ok_or_else(|| RequestFailure::new(operation, FailureKind::NotSent))?;
        let answer = send_once(store, operation, request).await?;
        match answer.status().as_u16() {
            409 if attempt < ATTEMPTS => tokio::time::sleep(PAUSE * attempt).await,
            200..=299 => return Ok(PutOutcome::Stored),
            412 => return Ok(PutOutcome::AlreadyThere),
            status => {
                let request_id = request_id(&answer).map(str::to_owned);
                // the status is known; the body with the code may break off or never end
                let code = error_code(answer.into_body());
                let code = tokio::time::timeout(store.deadlines.read, code).await;
                let code = code.ok().flatten();
                let failure = RequestFailure::refusal(
                    operation,
                    status,
                    code.as_deref(),
                    request_id.as_deref(),
                );
                return match status {
                    // S3 refuses a header that it does not implement with 501
                    400 | 401 | 403 | 501 => Ok(PutOutcome::Refused(failure)),
                    _ => Err(failure),
                };
            }
        }
        attempt += 1;
    }
}

async fn send_once(
    store: &Store,
    operation: &'static str,
    request: HttpRequest,
) -> Result<HttpResponse, RequestFailure> {
    let answer = store.connector.call(request);
    match tokio::time::timeout(store.deadlines.operation, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(RequestFailure::connector(operation, &error)),
        Err(_) => Err(RequestFailure::new(operation, FailureKind::Timeout)),
    }
}

fn request(signed: SignedUpload, tampering: Tampering) -> Option<HttpRequest> {
    let content = match tampering {
        Tampering::OtherBytes => CONTENT.to_uppercase(),
        _ => CONTENT.to_owned(),
    };
    let mut request = HttpRequest::new(SdkBody::from(content));
    request.set_method("PUT").ok()?;
    request.set_uri(signed.url.expose()).ok()?;
    for (name, value) in signed.headers {
        request.headers_mut().try_insert(name, value).ok()?;
    }
    match tampering {
        Tampering::Without(name) => {
            request.headers_mut().remove(name);
        }
        Tampering::With(name, value) => {
            request.headers_mut().try_insert(name, value).ok()?;
        }
        Tampering::None | Tampering::OtherBytes => {}
    }
    Some(request)
}

/// Returns the `Code` of S3's error document (Amazon S3 API Reference, "Error responses"), only for
/// the text of the finding.
async fn error_code(body: SdkBody) -> Option<String> {
    let mut body = ByteStream::new(body);
    let mut document = Vec::new();
    while let Ok(Some(bytes)) = body.try_next().await {
        document.extend_from_slice(&bytes);
        if document.len() > MAX_ERROR_BYTES {
            return None;
        }
    }
    let document = String::from_utf8(document).ok()?;
    let (_, rest) = document.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code.to_owned())
}
