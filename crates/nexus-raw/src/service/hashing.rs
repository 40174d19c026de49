use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{Mismatch, RawStorageService, RegisterError, verification};
use crate::{
    asset::{Integrity, IntegrityLevel, UploadIntent},
    ports::{
        HashOutcome, HashingError, HashingProgress, ObjectHasher, PinnedObject,
        RawStorageRepository, StorageError, StoredObject, Urgency,
    },
};

/// How often an object that is another one each time it is looked at is looked at in one call.
const LOOKS: u32 = 2;

/// How much is hashed in a second, at the least, on a network that is fit for it: what a caller
/// has to wait is a guess.
const BYTES_PER_SECOND: u64 = 64 * 1024 * 1024;

/// Nothing stays at the address long enough to be read.
#[derive(Debug, thiserror::Error)]
#[error("the object changed while it was read")]
struct Restless;

impl RawStorageService {
    /// What the store holds, proved to be what was declared: by the store's own digest where that
    /// is a proof, otherwise by reading it.
    pub(super) async fn integrity(
        &self,
        intent: &UploadIntent,
        mut stored: StoredObject,
    ) -> Result<Integrity, RegisterError> {
        let capabilities = self.storage.capabilities();
        for _ in 0..LOOKS {
            // nothing is read of what is another object by its head already
            let mismatches = verification::mismatches(intent, &stored, capabilities);
            if !mismatches.is_empty() {
                return Err(RegisterError::ObjectMismatch { mismatches });
            }
            if capabilities.enforces_sha256 {
                return Ok(proved(stored, IntegrityLevel::S3Sha256));
            }
            match self.hash(intent, &stored).await? {
                HashOutcome::Hashed(digest) if digest == intent.facts.sha256 => {
                    return Ok(proved(stored, IntegrityLevel::StreamSha256));
                }
                HashOutcome::Hashed(_) => {
                    return Err(RegisterError::ObjectMismatch {
                        mismatches: vec![Mismatch::Sha256],
                    });
                }
                // what is there now, if anything, is found by another lookup
                HashOutcome::Replaced | HashOutcome::Gone => {
                    stored = self.look(intent).await?;
                }
            }
        }
        Err(StorageError::Unavailable(Box::new(Restless)).into())
    }

    /// What is at the address of `intent`.
    pub(super) async fn look(&self, intent: &UploadIntent) -> Result<StoredObject, RegisterError> {
        let stored = self.storage.stat(&intent.address).await?;
        stored.ok_or_else(|| {
            if self.clock.now() >= intent.ends_at {
                RegisterError::UploadExpired
            } else {
                RegisterError::ObjectNotUploaded
            }
        })
    }

    async fn hash(
        &self,
        intent: &UploadIntent,
        stored: &StoredObject,
    ) -> Result<HashOutcome, RegisterError> {
        let object = PinnedObject::of(intent, stored);
        let size_bytes = object.size_bytes;
        let urgency = if size_bytes <= self.policy.sync_hash_max_bytes {
            Urgency::Awaited
        } else {
            Urgency::Background
        };
        match self.hasher.digest(object, urgency).await? {
            HashingProgress::Done(outcome) => Ok(outcome),
            HashingProgress::Pending => {
                let seconds = (size_bytes.get() / BYTES_PER_SECOND).clamp(1, 30);
                Err(RegisterError::VerificationPending {
                    retry_after: Duration::from_secs(seconds),
                })
            }
        }
    }
}

fn proved(stored: StoredObject, level: IntegrityLevel) -> Integrity {
    Integrity {
        level,
        version_id: stored.version_id,
        etag: stored.etag,
    }
}

impl From<HashingError> for RegisterError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Storage(error) => error.into(),
            HashingError::Catalog(error) => error.into(),
        }
    }
}

/// Hashes an object within the call.
#[derive(Debug)]
pub(super) struct HashInCall(pub(super) Arc<dyn RawStorageRepository>);

#[async_trait]
impl ObjectHasher for HashInCall {
    async fn digest(
        &self,
        object: PinnedObject,
        _urgency: Urgency,
    ) -> Result<HashingProgress, HashingError> {
        Ok(HashingProgress::Done(self.0.hash(&object).await?))
    }
}
