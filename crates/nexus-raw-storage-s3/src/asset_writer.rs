//! The writing of imported objects, by the signed requests that callers upload with: the store refuses
//! the same.

use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sdk_s3::{
    config::http::{HttpRequest, HttpResponse},
    primitives::SdkBody,
};
use aws_smithy_runtime_api::client::http::HttpConnector;
use nexus_raw::{
    asset::{DeclaredPart, ObjectAddress, Sha256Digest, UploadId, UploadIntent},
    ports::{AssetWriter, OpenUpload, StorageError, WriteOutcome},
};
use tokio::time::{sleep, timeout};

use crate::{
    deadlines::Deadlines,
    failure::{FailureKind, RequestFailure, request_id},
    multipart::UploadRef,
    repository::S3RawStorageRepository,
    signing::{Lifetime, PartUpload, SignedUpload, SigningFailure, Upload},
    store::Store,
};

/// Enough for one attempt.
const URL_LIFE: Duration = Duration::from_mins(5);

/// Also for 409, which AWS returns while another write of the key is in progress.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);

/// The slowest network that is waited for.
const BYTES_PER_SECOND: u64 = 100 * 1024;

/// How often the uploads at one key are listed: each time some were aborted.
const MAX_LISTS: u32 = 20;

#[async_trait]
impl AssetWriter for S3RawStorageRepository {
    async fn put_object(
        &self,
        intent: &UploadIntent,
        sha256: Sha256Digest,
        content: Vec<u8>,
    ) -> Result<WriteOutcome, StorageError> {
        self.check_bucket(&intent.address)?;
        let store = &*self.store;
        let upload = Upload {
            key: intent.address.key.as_str(),
            size_bytes: content.len() as u64,
            content_type: intent.facts.content_type.as_str(),
            sha256,
            metadata: intent.object_metadata(),
        };
        let sign = |lifetime, credentials: &_| {
            let upload = upload.clone();
            store.signer.sign_upload(upload, lifetime, credentials)
        };
        Ok(send(store, "PutObject", sign, content).await?)
    }

    async fn put_part(
        &self,
        upload: &OpenUpload,
        part: DeclaredPart,
        content: Vec<u8>,
    ) -> Result<(), StorageError> {
        self.check_bucket(&upload.address)?;
        let store = &*self.store;
        let part = PartUpload {
            key: upload.address.key.as_str(),
            upload_id: &upload.upload_id,
            part,
        };
        let sign = |lifetime, credentials: &_| store.signer.sign_part(&part, lifetime, credentials);
        send(store, "UploadPart", sign, content).await?;
        Ok(())
    }

    async fn abort_all(&self, address: &ObjectAddress) -> Result<(), StorageError> {
        self.check_bucket(address)?;
        Ok(abort_all(&self.store, address.key.as_str()).await?)
    }
}

/// Signs and sends, and tries again while that may help.
async fn send(
    store: &Store,
    operation: &'static str,
    sign: impl Fn(Lifetime, &Credentials) -> Result<SignedUpload, SigningFailure>,
    content: Vec<u8>,
) -> Result<WriteOutcome, RequestFailure> {
    // clients leave it out of an empty body, and it is signed
    let content_bytes = content.len() as u64;
    let length = content_bytes.to_string();
    let content = SdkBody::from(content);
    let mut attempt = 1;
    loop {
        let lifetime = Lifetime::from_now(store.clock.now(), URL_LIFE);
        let signed = sign(lifetime, &store.credentials.current()).ok();
        let body = content.try_clone();
        let request = signed.zip(body);
        let request = request.and_then(|(it, body)| request_of(it, body, &length));
        let request =
            request.ok_or_else(|| RequestFailure::new(operation, FailureKind::NotSent))?;
        let patience = patience(store, content_bytes);
        let failure = match send_once(store, operation, request, patience).await {
            Ok(answer) => match answer.status().as_u16() {
                200..=299 => return Ok(WriteOutcome::Written),
                412 => return Ok(WriteOutcome::Taken),
                status => RequestFailure::refusal(operation, status, None, request_id(&answer)),
            },
            Err(failure) => failure,
        };
        let may_help = matches!(failure.status(), None | Some(408 | 409 | 429 | 500..));
        if !may_help || attempt == ATTEMPTS {
            return Err(failure);
        }
        sleep(PAUSE * 2_u32.pow(attempt)).await;
        attempt += 1;
    }
}

/// For the body and the answer.
fn patience(store: &Store, content_bytes: u64) -> Duration {
    let Deadlines {
        attempt,
        completion,
        ..
    } = store.deadlines;
    let sending = Duration::from_secs(content_bytes / BYTES_PER_SECOND);
    attempt.saturating_add(sending).min(completion)
}

async fn send_once(
    store: &Store,
    operation: &'static str,
    request: HttpRequest,
    patience: Duration,
) -> Result<HttpResponse, RequestFailure> {
    let answer = store.patient_connector.call(request);
    match timeout(patience, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(RequestFailure::connector(operation, &error)),
        Err(_) => Err(RequestFailure::new(operation, FailureKind::Timeout)),
    }
}

fn request_of(signed: SignedUpload, body: SdkBody, length: &str) -> Option<HttpRequest> {
    let mut request = HttpRequest::new(body);
    request.set_method("PUT").ok()?;
    request.set_uri(signed.url.expose()).ok()?;
    let headers = request.headers_mut();
    headers
        .try_insert("content-length", length.to_owned())
        .ok()?;
    for (name, value) in signed.headers {
        request.headers_mut().try_insert(name, value).ok()?;
    }
    Some(request)
}

/// Aborts until none is listed. No other process writes to the key of an import.
async fn abort_all(store: &Store, key: &str) -> Result<(), RequestFailure> {
    const OPERATION: &str = "ListMultipartUploads";
    for _ in 0..MAX_LISTS {
        let request = store
            .client
            .list_multipart_uploads()
            .bucket(store.bucket().as_str())
            .prefix(key)
            .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
        let page = request.send().await;
        let page = page.map_err(|error| RequestFailure::sdk(OPERATION, &error))?;
        let of_key = page.uploads().iter().filter(|it| it.key() == Some(key));
        let ids: Vec<_> = of_key
            .filter_map(|it| UploadId::parse(it.upload_id()?).ok())
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        for upload_id in &ids {
            store.abort_upload(UploadRef { key, upload_id }).await?;
        }
    }
    let kind = FailureKind::Malformed("it lists aborted uploads again and again");
    Err(RequestFailure::new(OPERATION, kind))
}
