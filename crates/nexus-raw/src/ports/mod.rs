//! What the domain needs of the world, as traits that adapters implement.
//!
//! Each trait's documentation is its contract: who implements it, who calls it, what must hold
//! and what each error means. `nexus-raw-testkit` has a suite for each that proves it.
//! All are used as `Arc<dyn Port>`.

mod catalog;
mod census;
mod clock;
mod digests;
mod download;
mod error;
mod facts;
mod hasher;
mod idempotency;
mod identity;
mod lineage;
mod listing;
mod outbox;
mod parked;
mod sink;
mod storage;

#[cfg(feature = "mock")]
pub use self::{
    catalog::MockAssetCatalog,
    census::MockCatalogCensus,
    clock::{MockAssetIds, MockClock},
    digests::MockDigestLedger,
    hasher::MockObjectHasher,
    identity::MockIdentityVerifier,
    outbox::MockEventOutbox,
    parked::MockParkedEvents,
    sink::MockDatasetEventSink,
    storage::MockRawStorageRepository,
};
pub use self::{
    catalog::{AssetCatalog, EventQuery, EventSelection, IntentState, NewAsset, RegisterOutcome},
    census::{CatalogCensus, OpenIntents},
    clock::{AssetIds, Clock},
    digests::{DigestLedger, HashingClaim},
    download::{DownloadKey, DownloadOutcome, Downloadable, NewDownload},
    error::{BoxError, CatalogError, StorageError},
    facts::{AssetFacts, FactOutcome, NewFact},
    hasher::{HashingError, HashingProgress, ObjectHasher, Urgency},
    idempotency::{
        CallerKey, IdempotencyKey, IdempotencyKeyError, KeyClaim, KeyedIntent, KeyedOutcome,
        RepeatOutcome, StandingKey,
    },
    identity::{IdentityError, IdentityVerifier},
    lineage::{
        LineageDirection, LineageDirectionError, LineageEdge, LineageGraph, LineageNode,
        LineageQuery,
    },
    listing::{
        AssetFilter, AssetPage, AssetQuery, ContentTypeFilter, ContentTypeFilterError, CursorKey,
        ListedAsset,
    },
    outbox::{
        Backlog, EventOutbox, Lease, ParkedEvent, Progress, ProgressChange, SinkName, SinkNameError,
    },
    parked::{KeptEvent, ParkedEvents, ParkedFilter},
    sink::{DatasetEventSink, Delivery, SinkError},
    storage::{
        DownloadTerms, HashOutcome, PinnedObject, PresignedDownload, PresignedUpload,
        RawStorageRepository, SignedUrl, StoreCapabilities, StoredObject, UploadTerms,
    },
};
