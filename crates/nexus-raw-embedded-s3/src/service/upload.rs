//! Writing the content of a PUT to disk.

use bytes::Bytes;
use futures_util::StreamExt as _;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result, StdError, s3_error};

use super::StoreService;
use crate::digests::Hashers;
use crate::request_body::RequestBodyError;
use crate::store::{StagedObject, Store, StoreError};

/// Chunks are written in batches of at least this size.
const BATCH_BYTES: usize = 256 * 1024;

/// The content received so far.
pub(super) struct Upload {
    pub(super) staged: StagedObject,
    pub(super) digests: Hashers,
}

impl Upload {
    fn write(mut self, batch: &[Bytes]) -> Result<Self, StoreError> {
        for bytes in batch {
            self.digests.update(bytes);
            self.staged.write(bytes)?;
        }
        Ok(self)
    }
}

/// Receives the content in batches, each written and hashed off the event loop.
pub(super) async fn receive(
    service: &StoreService,
    body: Option<StreamingBlob>,
    digests: Hashers,
) -> S3Result<Upload> {
    let staged = service.blocking(Store::stage).await?;
    let mut upload = Upload { staged, digests };
    let Some(mut body) = body else {
        return Ok(upload);
    };
    let mut batch = Vec::new();
    let mut batch_bytes = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| of_body(&error))?;
        batch_bytes += chunk.len();
        batch.push(chunk);
        if batch_bytes >= BATCH_BYTES {
            let full = std::mem::take(&mut batch);
            batch_bytes = 0;
            upload = service.blocking(move |_| upload.write(&full)).await?;
        }
    }
    service.blocking(move |_| upload.write(&batch)).await
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

pub(super) fn incomplete() -> S3Error {
    s3_error!(
        IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )
}
