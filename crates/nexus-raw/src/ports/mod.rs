//! What the domain needs of the world, as traits that adapters implement.
//!
//! Each trait's documentation is its contract: who implements it, who calls it, what must hold
//! and what each error means. `nexus-raw-testkit` has a suite for each that proves it.
//! All are used as `Arc<dyn Port>`.

mod catalog;
mod clock;
mod error;
mod idempotency;
mod identity;
mod outbox;
mod sink;
mod storage;

#[cfg(feature = "mock")]
pub use self::{
    catalog::MockAssetCatalog,
    clock::{MockAssetIds, MockClock},
    identity::MockIdentityVerifier,
    outbox::MockEventOutbox,
    sink::MockDatasetEventSink,
    storage::MockRawStorageRepository,
};
pub use self::{
    catalog::{AssetCatalog, IntentState, NewAsset, RegisterOutcome},
    clock::{AssetIds, Clock},
    error::{BoxError, CatalogError, StorageError},
    idempotency::{
        CallerKey, IdempotencyKey, IdempotencyKeyError, KeyedIntent, KeyedOutcome, KeyedRoute,
        RepeatOutcome, StandingKey,
    },
    identity::{IdentityError, IdentityVerifier},
    outbox::{EventOutbox, Lease, ParkedEvent, SinkName, SinkNameError},
    sink::{DatasetEventSink, Delivery, SinkError},
    storage::{
        PresignedUpload, RawStorageRepository, SignedUrl, StoreCapabilities, StoredObject,
        UploadTerms,
    },
};
