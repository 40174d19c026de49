//! Receiving the content of a PUT, of an object or a part, and writing it to disk.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use hyper::Uri;
use hyper::header::HeaderMap;
use hyper::http::Extensions;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Request, S3Result, StdError, s3_error};

use super::StoreService;
use super::errors::{self, WorkError};
use super::stored_headers::is_stream;
use crate::auth::{is_presigned, query_pairs};
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::digests::{Declared, Hashers};
use crate::misbehaviour::{Misbehaviour, Misbehaviours};
use crate::request_body::{RequestBody, RequestBodyError};
use crate::store::{BucketName, StagedObject, Store, StoreError};
use crate::uploads::UploadSlot;

/// Chunks are written in batches of at least this size.
const BATCH_BYTES: usize = 256 * 1024;

/// The content received so far.
struct Upload {
    staged: StagedObject,
    digests: Hashers,
}

/// The whole content, of the declared length and digests.
pub(super) struct Received {
    pub(super) staged: StagedObject,
    pub(super) md5: [u8; 16],
    /// Absent only from a server that misbehaves.
    pub(super) checksum: Option<Checksum>,
}

impl Upload {
    fn begin(
        store: &Store,
        bucket: &BucketName,
        algorithm: ChecksumAlgorithm,
    ) -> Result<Self, StoreError> {
        if !store.has_bucket(bucket)? {
            return Err(StoreError::NoSuchBucket);
        }
        Ok(Self {
            staged: store.stage()?,
            digests: Hashers::new(algorithm),
        })
    }

    fn write(&mut self, batch: &[Bytes]) -> Result<(), StoreError> {
        for bytes in batch {
            self.digests.update(bytes);
            self.staged.write(bytes)?;
        }
        Ok(())
    }

    fn verify(
        self,
        declared: &Declared,
        trailers: Option<&HeaderMap>,
        misbehaviours: &Misbehaviours,
    ) -> S3Result<Received> {
        let computed = self.digests.finish();
        let checksum = if misbehaviours.include(Misbehaviour::IgnoreChecksums) {
            None
        } else if misbehaviours.include(Misbehaviour::EchoChecksums) {
            declared.claimed_checksum().cloned()
        } else {
            declared.verify(&computed, trailers)?;
            Some(computed.checksum)
        };
        Ok(Received {
            staged: self.staged,
            md5: computed.md5,
            checksum,
        })
    }
}

/// Receives the content of a request to a bucket, verifies its length and its declared digests, and
/// has `settle` publish it. Returns what that returns.
///
/// The content is written and hashed off the event loop in batches. The last one, which is the only
/// one of a small object, is one piece of work with all that follows: the switches between threads
/// would cost more than it.
pub(super) async fn receive<T: Send + 'static>(
    service: &StoreService,
    bucket: BucketName,
    declared: Declared,
    request: S3Request<Option<StreamingBlob>>,
    settle: impl FnOnce(&Store, Received) -> Result<T, StoreError> + Send + 'static,
) -> S3Result<T> {
    let declared_bytes = declared_bytes(&request.headers)?;
    let slot = slot(service, &request.uri, &request.extensions).await?;
    let bucket = Arc::new(bucket);
    let algorithm = declared.algorithm();
    let mut upload: Option<Upload> = None;
    let mut batch = Vec::new();
    let (mut batch_bytes, mut content_bytes) = (0, 0);
    if let Some(mut body) = request.input {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| of_body(&error))?;
            batch_bytes += chunk.len();
            content_bytes += chunk.len() as u64;
            batch.push(chunk);
            if batch_bytes >= BATCH_BYTES {
                batch_bytes = 0;
                let full = std::mem::take(&mut batch);
                let bucket = Arc::clone(&bucket);
                let write = move |store: &Store| {
                    let begin = || Upload::begin(store, &bucket, algorithm);
                    let mut upload = upload.map_or_else(begin, Ok)?;
                    upload.write(&full)?;
                    Ok::<_, StoreError>(upload)
                };
                upload = Some(service.blocking(write).await?);
            }
        }
    }
    if declared_bytes != Some(content_bytes) {
        return Err(incomplete());
    }
    let trailers = request.trailing_headers.and_then(|sent| sent.take());
    let misbehaviours = service.misbehaviours.clone();
    let finish = move |store: &Store| {
        // held until the content is published, also if the caller has gone by then
        let _slot = slot;
        let begin = || Upload::begin(store, &bucket, algorithm);
        let mut upload = upload.map_or_else(begin, Ok)?;
        upload.write(&batch)?;
        let received = upload.verify(&declared, trailers.as_ref(), &misbehaviours)?;
        Ok::<_, WorkError>(settle(store, received)?)
    };
    service.blocking(finish).await
}

/// Returns the S3 error of a body that ended early. The error types of `s3s` are private, so their
/// texts are matched; a test covers each.
fn of_body(error: &StdError) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let mut mismatch = s3_error!(
            InvalidRequest,
            "The provided 'x-amz-content-sha256' header does not match what was computed."
        );
        mismatch.set_code(s3s::S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()));
        mismatch.set_status_code(hyper::StatusCode::BAD_REQUEST);
        mismatch
    } else if text.contains("SignatureMismatch") {
        s3_error!(
            SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided. \
             Check your key and signing method."
        )
    } else if text.contains(&RequestBodyError::Slow.to_string()) {
        s3_error!(
            RequestTimeout,
            "Your socket connection to the server was not read from or written to within the \
             timeout period. Idle connections will be closed."
        )
    } else {
        incomplete()
    }
}

fn incomplete() -> S3Error {
    s3_error!(
        IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )
}

/// Returns an upload slot for a presigned request. Requests with signed headers, whose clients have
/// the key, need none.
async fn slot(
    service: &StoreService,
    uri: &Uri,
    extensions: &Extensions,
) -> S3Result<Option<UploadSlot>> {
    match extensions.get::<RequestBody>() {
        Some(body) if is_presigned(&query_pairs(uri.query())) => {
            let place = service.uploads.enter(body).await;
            place.map(Some).ok_or_else(errors::slow_down)
        }
        _ => Ok(None),
    }
}

/// Returns the length of the content, without the framing of a signed stream.
fn declared_bytes(headers: &HeaderMap) -> S3Result<Option<u64>> {
    let number = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse().ok())
    };
    let decoded = number("x-amz-decoded-content-length");
    match (is_stream(headers), decoded) {
        (true, Some(bytes)) => Ok(Some(bytes)),
        (false, None) => Ok(number("content-length")),
        _ => Err(s3_error!(
            InvalidRequest,
            "x-amz-decoded-content-length belongs to a streaming payload"
        )),
    }
}
