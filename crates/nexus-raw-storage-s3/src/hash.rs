//! Reads an object to its end, and hashes what comes.

use std::time::Duration;

use aws_sdk_s3::{operation::get_object::GetObjectOutput, primitives::ByteStream};
use nexus_raw::{
    asset::Sha256Digest,
    ports::{HashOutcome, PinnedObject},
};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use crate::{
    failure::{FailureKind, RequestFailure, causes},
    stat::version_id,
    store::{Got, Store},
};

const OPERATION: &str = "GetObject";

/// How much must come within the time of a stalled stream: at the default of 10 s, a stream of
/// under 100 KiB/s is given up, since one that drips would hold its place for ever.
const PORTION_BYTES: u64 = 1024 * 1024;

/// Hashes exactly `object`: what stands at its address under its entity tag and version. The time
/// of one operation bounds the answer's head; what follows may take as long as it flows.
pub(crate) async fn hash(
    store: &Store,
    object: &PinnedObject,
) -> Result<HashOutcome, RequestFailure> {
    let answer = match store.get(object).await? {
        Got::Object(answer) => *answer,
        Got::Replaced => return Ok(HashOutcome::Replaced),
        Got::Gone => return Ok(HashOutcome::Gone),
    };
    // a store that does not know If-Match or versions gives what it has
    if is_another(object, &answer)? {
        return Ok(HashOutcome::Replaced);
    }
    let reading = Reading {
        body: answer.body,
        hash: Sha256::new(),
        left: object.size_bytes.get(),
    };
    let digest = reading.read_to_end(store.deadlines.stall).await;
    digest
        .map(HashOutcome::Hashed)
        .map_err(|kind| RequestFailure::new(OPERATION, kind))
}

fn is_another(object: &PinnedObject, answer: &GetObjectOutput) -> Result<bool, RequestFailure> {
    let unreadable = |what| RequestFailure::new(OPERATION, FailureKind::Unreadable(what));
    let etag = answer.e_tag().map(|etag| etag.trim_matches('"'));
    let etag = etag.ok_or_else(|| unreadable("an object without an entity tag"))?;
    let version = version_id(answer.version_id());
    // some stores name no version in an answer to a request for one
    if etag != object.etag || (version.is_some() && version != object.version_id) {
        return Ok(true);
    }
    let length = answer.content_length().map(u64::try_from);
    if length.is_some_and(|length| length != Ok(object.size_bytes.get())) {
        return Err(unreadable(
            "an object of another length than it was said to have",
        ));
    }
    Ok(false)
}

/// An object on its way: one piece of it is held at a time.
struct Reading {
    body: ByteStream,
    hash: Sha256,
    /// How much of what was promised has not come yet.
    left: u64,
}

impl Reading {
    async fn read_to_end(mut self, stall: Duration) -> Result<Sha256Digest, FailureKind> {
        while timeout(stall, self.portion())
            .await
            .map_err(|_| FailureKind::Timeout)??
        {}
        if self.left > 0 {
            return Err(FailureKind::Unreadable("an object cut short"));
        }
        Ok(Sha256Digest::from_bytes(self.hash.finalize().into()))
    }

    /// Reads a portion; whether there may be more.
    async fn portion(&mut self) -> Result<bool, FailureKind> {
        let mut read = 0;
        while read < PORTION_BYTES {
            let Some(piece) = self.body.next().await else {
                return Ok(false);
            };
            let piece = piece.map_err(|error| FailureKind::Connection(causes(&error)))?;
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            let left = self.left.checked_sub(length);
            // nothing is read beyond what was promised
            self.left = left.ok_or(FailureKind::Unreadable("more than the object's length"))?;
            self.hash.update(&piece);
            read += length;
        }
        Ok(true)
    }
}
