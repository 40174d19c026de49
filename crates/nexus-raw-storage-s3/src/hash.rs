//! Reads and hashes a whole object.

use std::{num::NonZeroU64, time::Duration};

use aws_sdk_s3::primitives::ByteStream;
use nexus_raw::{
    asset::Sha256Digest,
    ports::{HashOutcome, PinnedObject},
};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    failure::{FailureKind, RequestFailure, causes},
    store::{GetOutcome, Store},
};

const OPERATION: &str = "GetObject";

/// The size of a portion, each of which has the stall timeout: at the default of 10 s, a stream of
/// under 100 KiB/s is cancelled, since a slower one could hold its slot for ever.
const PORTION_BYTES: u64 = 1024 * 1024;

/// Hashes exactly `object`, with its entity tag and version. The operation timeout bounds only the
/// head of the response; the body may take any time as long as it does not stall. No more than
/// `bytes_per_second` of it are read, on average since its beginning.
pub(crate) async fn hash(
    store: &Store,
    object: &PinnedObject,
    bytes_per_second: Option<NonZeroU64>,
) -> Result<HashOutcome, RequestFailure> {
    let answer = match store.get(object.into()).await? {
        GetOutcome::Object(answer) => *answer,
        GetOutcome::Replaced => return Ok(HashOutcome::Replaced),
        GetOutcome::Gone => return Ok(HashOutcome::Gone),
    };
    let reader = ObjectReader {
        body: answer.body,
        hash: Sha256::new(),
        left: object.size_bytes.get(),
    };
    let stall = store.deadlines.stall;
    let digest = reader.read_to_end(stall, bytes_per_second).await;
    digest
        .map(HashOutcome::Hashed)
        .map_err(|kind| RequestFailure::new(OPERATION, kind))
}

/// The reader of an object, which holds one chunk at a time.
struct ObjectReader {
    body: ByteStream,
    hash: Sha256,
    /// The number of bytes still expected.
    left: u64,
}

impl ObjectReader {
    async fn read_to_end(
        mut self,
        stall: Duration,
        bytes_per_second: Option<NonZeroU64>,
    ) -> Result<Sha256Digest, FailureKind> {
        let (began, size) = (Instant::now(), self.left);
        // so that the connection is not idle for longer than a second
        let portion = bytes_per_second.map_or(PORTION_BYTES, |it| it.get().min(PORTION_BYTES));
        while timeout(stall, self.portion(portion))
            .await
            .map_err(|_| FailureKind::Timeout)??
        {
            if let Some(rate) = bytes_per_second {
                sleep_until(began + time_of(size - self.left, rate)).await;
            }
        }
        if self.left > 0 {
            return Err(FailureKind::Malformed("body is shorter than the object"));
        }
        Ok(Sha256Digest::from_bytes(self.hash.finalize().into()))
    }

    /// Reads a portion. Returns whether there may be more.
    async fn portion(&mut self, bytes: u64) -> Result<bool, FailureKind> {
        let mut read = 0;
        while read < bytes {
            let Some(chunk) = self.body.next().await else {
                return Ok(false);
            };
            let chunk = chunk.map_err(|error| FailureKind::Connection(causes(&error)))?;
            let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            let left = self.left.checked_sub(length);
            // nothing is read beyond the expected length
            self.left = left.ok_or(FailureKind::Malformed("body is longer than the object"))?;
            self.hash.update(&chunk);
            read += length;
        }
        Ok(true)
    }
}

/// Returns how long reading this much may not be shorter than.
fn time_of(bytes: u64, bytes_per_second: NonZeroU64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(bytes_per_second.get());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
