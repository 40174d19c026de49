//! The use cases: presign an upload, register what was uploaded, read what is known.

mod abandoned;
mod batch;
mod download;
mod error;
mod facts;
mod hashing;
mod import;
mod keyed;
mod listing;
mod mismatch;
mod multipart;
mod policy;
mod presign;
mod reading;
mod register;
mod verifying;

use std::sync::{Arc, OnceLock};

pub use abandoned::AbandonedUploads;
pub use batch::BatchKey;
pub use download::{DownloadRequest, PresignedContent};
pub use error::{
    AbortError, DownloadError, FactError, PartsError, PresignError, ReadError, RegisterError,
    VerifyError,
};
pub use facts::{FactPage, RecordedFact};
pub use import::{ImportedAsset, StoredContent};
pub use listing::{AssetList, ListError, ListRequest};
pub use mismatch::Mismatch;
pub use multipart::PresignedPart;
pub use policy::UploadPolicy;
pub use presign::{
    IfRegistered, IfRegisteredError, PresignRequest, Presigned, PresignedAsset, UploadSteps,
};
pub use register::{BatchParents, RegisterRequest, Registered, RestatedFacts};

use hashing::WorkInCall;

use crate::ports::{AssetCatalog, AssetIds, Clock, CursorKey, ObjectWorker, RawStorageRepository};

/// The names of the use cases in the keys that a catalogue keeps.
const PRESIGN_UPLOAD: &str = "presign-upload";
const PRESIGN_UPLOAD_BATCH: &str = "presign-upload/batch";

/// The service that engine teams embed and the app serves.
///
/// Each use case takes the proof that the caller may do it, and touches that proof's scope alone.
#[derive(Debug)]
pub struct RawStorageService {
    storage: Arc<dyn RawStorageRepository>,
    catalog: Arc<dyn AssetCatalog>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn AssetIds>,
    worker: Arc<dyn ObjectWorker>,
    policy: UploadPolicy,
    cursor_key: OnceLock<CursorKey>,
}

impl RawStorageService {
    /// Puts the service together, with the default policy. Where the store's digests are no proof,
    /// each object is read within the call that registers it; see [`Self::with_worker`].
    #[must_use]
    pub fn new(
        storage: Arc<dyn RawStorageRepository>,
        catalog: Arc<dyn AssetCatalog>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn AssetIds>,
    ) -> Self {
        Self {
            worker: Arc::new(WorkInCall {
                storage: Arc::clone(&storage),
                catalog: Arc::clone(&catalog),
                clock: Arc::clone(&clock),
            }),
            storage,
            catalog,
            clock,
            ids,
            policy: UploadPolicy::default(),
            cursor_key: OnceLock::new(),
        }
    }

    /// Sets what the installation allows of an upload.
    #[must_use]
    pub fn with_policy(mut self, policy: UploadPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Has objects read, and uploads in parts completed and aborted, by `worker`, which can go on
    /// when a call has ended.
    #[must_use]
    pub fn with_worker(mut self, worker: Arc<dyn ObjectWorker>) -> Self {
        self.worker = worker;
        self
    }

    /// What the installation allows of an upload.
    #[must_use]
    pub fn policy(&self) -> &UploadPolicy {
        &self.policy
    }
}
