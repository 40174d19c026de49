use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use nexus_raw::ports::{InventoryError, SourceContent};
use tokio::time::timeout;

use crate::failure::{FailureKind, RequestFailure, causes};

/// What must come within the stall timeout, see `hash`.
const PORTION_BYTES: usize = 1024 * 1024;

/// The body of an object, of which one piece is held at a time.
pub(super) struct S3Content {
    body: ByteStream,
    /// Read beyond the last piece.
    ahead: Vec<u8>,
    /// The number of bytes still expected.
    left: u64,
    stall: Duration,
}

impl S3Content {
    pub(super) fn of(body: ByteStream, size_bytes: u64, stall: Duration) -> Self {
        Self {
            body,
            ahead: Vec::new(),
            left: size_bytes,
            stall,
        }
    }

    /// Reads until `content` has so many bytes. Returns whether there may be more.
    async fn portion(&mut self, content: &mut Vec<u8>, bytes: usize) -> Result<bool, FailureKind> {
        while content.len() < bytes {
            let Some(chunk) = self.body.next().await else {
                return Ok(false);
            };
            let chunk = chunk.map_err(|error| FailureKind::Connection(causes(&error)))?;
            let left = self.left.checked_sub(chunk.len() as u64);
            // nothing is read beyond the expected length
            self.left = left.ok_or(FailureKind::Malformed("body is longer than the object"))?;
            content.extend_from_slice(&chunk);
        }
        Ok(true)
    }

    async fn read(&mut self, bytes: usize) -> Result<Vec<u8>, FailureKind> {
        let mut content = std::mem::take(&mut self.ahead);
        // it would have twice the room otherwise, in the end
        let missing = bytes.saturating_sub(content.len()) as u64;
        content.reserve_exact(usize::try_from(missing.min(self.left)).unwrap_or(0));
        while content.len() < bytes {
            let until = bytes.min(content.len() + PORTION_BYTES);
            let stall = self.stall;
            let portion = timeout(stall, self.portion(&mut content, until)).await;
            if !portion.map_err(|_| FailureKind::Timeout)?? {
                break;
            }
        }
        if content.len() < bytes && self.left > 0 {
            return Err(FailureKind::Malformed("body is shorter than the object"));
        }
        if content.len() > bytes {
            self.ahead = content.split_off(bytes);
        }
        Ok(content)
    }
}

#[async_trait]
impl SourceContent for S3Content {
    async fn next(&mut self, bytes: usize) -> Result<Vec<u8>, InventoryError> {
        let piece = self.read(bytes).await;
        piece.map_err(|kind| {
            InventoryError::Unavailable(Box::new(RequestFailure::new("GetObject", kind)))
        })
    }
}
