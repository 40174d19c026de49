use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    Mismatch, RawStorageService, RegisterError,
    mismatch::{self, StoreProof},
};
use crate::{
    asset::{
        ByteSize, DeclaredPart, Integrity, IntegrityLevel, PartLayout, Sha256Digest, UploadIntent,
        Verification,
    },
    ports::{
        AbortOutcome, AssetCatalog, Clock, CompletionOutcome, CompositeDigest, HashOutcome,
        ObjectWorker, OpenUpload, PinnedObject, RawStorageRepository, Restless, StorageError,
        StoredObject, Urgency, VerificationOrder, WorkError, WorkProgress, abort_unless_completed,
        verify_object,
    },
};

/// How often an object that is another one each time it is looked at is looked at in one call.
const LOOKS: u32 = 2;

/// How much is hashed in a second, at the least, on a network that is fit for it: what a caller
/// has to wait is a guess.
const BYTES_PER_SECOND: u64 = 64 * 1024 * 1024;

impl RawStorageService {
    /// What the store holds, proved to be what was declared: by the store's own digest where that
    /// is a proof, otherwise by reading it.
    pub(super) async fn integrity(
        &self,
        intent: &UploadIntent,
        sha256: Sha256Digest,
        mut stored: StoredObject,
    ) -> Result<Integrity, RegisterError> {
        let capabilities = self.storage.capabilities();
        let proof = self.proof_by_store(intent, sha256).await?;
        let parts = intent.layout().map(PartLayout::count);
        for _ in 0..LOOKS {
            // nothing is read of what is another object by its head already
            let mismatches = mismatch::mismatches(intent, &stored, proof, capabilities);
            if !mismatches.is_empty() {
                return Err(RegisterError::ObjectMismatch { mismatches });
            }
            if let Some(proof) = proof {
                return Ok(proved(stored, proof.level(), parts));
            }
            match self.hash(intent, &stored).await? {
                HashOutcome::Hashed(digest) if digest == sha256 => {
                    return Ok(proved(stored, IntegrityLevel::StreamSha256, parts));
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

    /// What the store itself must report of the object as a proof; `None` where its digests are
    /// none.
    async fn proof_by_store(
        &self,
        intent: &UploadIntent,
        sha256: Sha256Digest,
    ) -> Result<Option<StoreProof>, RegisterError> {
        let capabilities = self.storage.capabilities();
        let Some(layout) = intent.layout() else {
            let proof = StoreProof::Whole(sha256);
            return Ok(capabilities.enforces_sha256.then_some(proof));
        };
        if !capabilities.proves_parts {
            return Ok(None);
        }
        let parts = self
            .catalog
            .declared_parts(&intent.scope, intent.asset_id, 0, layout.count())
            .await?;
        if parts.len() < usize::from(layout.count()) {
            // not put together by the service that keeps them, as after `reconcile --adopt`: the
            // bytes must tell
            return Ok(None);
        }
        Ok(Some(StoreProof::Composite(CompositeDigest {
            sha256: DeclaredPart::composite_sha256(&parts),
            parts: layout.count(),
        })))
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
        let urgency = self.urgency_of(size_bytes);
        match self.worker.digest(object, urgency).await? {
            WorkProgress::Done(outcome) => Ok(outcome),
            WorkProgress::Pending => Err(RegisterError::pending(size_bytes)),
        }
    }

    /// Whether a caller waits for the reading of an object of this size.
    pub(super) fn urgency_of(&self, size_bytes: ByteSize) -> Urgency {
        if size_bytes <= self.policy.sync_hash_max_bytes {
            Urgency::Awaited
        } else {
            Urgency::Background
        }
    }
}

/// When it is worth asking again for what the service does with an object of this size: a guess.
pub(super) fn retry_after(size_bytes: ByteSize) -> Duration {
    Duration::from_secs((size_bytes.get() / BYTES_PER_SECOND).clamp(1, 30))
}

impl RegisterError {
    /// The service works on an object of this size.
    pub(super) fn pending(size_bytes: ByteSize) -> Self {
        Self::VerificationPending {
            retry_after: retry_after(size_bytes),
        }
    }
}

fn proved(stored: StoredObject, level: IntegrityLevel, parts: Option<u16>) -> Integrity {
    Integrity {
        level,
        version_id: stored.version_id,
        etag: stored.etag,
        parts,
    }
}

/// Does the work within the call.
#[derive(Debug)]
pub(super) struct WorkInCall {
    pub(super) storage: Arc<dyn RawStorageRepository>,
    pub(super) catalog: Arc<dyn AssetCatalog>,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl ObjectWorker for WorkInCall {
    async fn digest(
        &self,
        object: PinnedObject,
        _urgency: Urgency,
    ) -> Result<WorkProgress<HashOutcome>, WorkError> {
        Ok(WorkProgress::Done(self.storage.hash(&object).await?))
    }

    async fn complete(
        &self,
        upload: OpenUpload,
        parts: Vec<DeclaredPart>,
    ) -> Result<WorkProgress<CompletionOutcome>, WorkError> {
        let completed = self.storage.complete(&upload, &parts).await?;
        Ok(WorkProgress::Done(completed))
    }

    async fn abort(&self, upload: OpenUpload) -> Result<WorkProgress<AbortOutcome>, WorkError> {
        Ok(WorkProgress::Done(
            abort_unless_completed(&*self.storage, &upload).await?,
        ))
    }

    async fn verify(
        &self,
        order: VerificationOrder,
        _urgency: Urgency,
    ) -> Result<WorkProgress<Verification>, WorkError> {
        verify_object(&*self.storage, &*self.catalog, &*self.clock, &order, None).await
    }
}
