//! What the domain needs of the world, as traits that adapters implement.
//!
//! Each trait's documentation is its contract: who implements it, who calls it, what must hold
//! and what each error means. `nexus-raw-testkit` has a suite for each that proves it.
//! All are used as `Arc<dyn Port>`.

mod backlog;
mod catalog;
mod census;
mod clock;
mod closing;
mod download;
mod error;
mod facts;
mod idempotency;
mod identity;
mod import;
mod inventory;
mod ledger;
mod lineage;
mod listing;
mod outbox;
mod parked;
mod parts;
mod sink;
mod storage;
mod verification;
mod worker;

pub(crate) use self::verification::{Contended, Restless};
#[cfg(feature = "mock")]
pub use self::{
    backlog::MockVerificationBacklog,
    catalog::MockAssetCatalog,
    census::MockCatalogCensus,
    clock::{MockAssetIds, MockClock},
    closing::MockIntentClosing,
    identity::MockIdentityVerifier,
    ledger::MockWorkLedger,
    outbox::MockEventOutbox,
    parked::MockParkedEvents,
    sink::MockDatasetEventSink,
    storage::MockRawStorageRepository,
    worker::MockObjectWorker,
};
pub use self::{
    backlog::{ScopeRecords, UnverifiedAsset, UnverifiedPlace, VerificationBacklog},
    catalog::{
        AbortedUpload, AssetCatalog, BegunUpload, EventQuery, EventSelection, IntentState,
        NewAsset, NewParts, PartsOutcome, RegisterOutcome,
    },
    census::{CatalogCensus, CatalogTotals},
    clock::{AssetIds, Clock},
    closing::IntentClosing,
    download::{DownloadKey, DownloadOutcome, Downloadable, NewDownload},
    error::{BoxError, CatalogError, StorageError},
    facts::{AssetFacts, FactOutcome, NewFact},
    idempotency::{
        CallerKey, IdempotencyKey, IdempotencyKeyError, KeyClaim, KeyedIntent, KeyedOutcome,
        RepeatOutcome, StandingKey,
    },
    identity::{IdentityError, IdentityVerifier},
    import::{
        AssetWriter, NewImport, OpenedSource, SourceBucket, SourceContent, SourceObject,
        SourceOutcome, WriteOutcome,
    },
    inventory::{
        BucketInventory, CatalogInventory, InventoryError, InventoryPage, ListedMultipart,
        ListedVersion, ObjectListing, PageToken,
    },
    ledger::{WorkClaim, WorkLedger},
    lineage::{
        LineageDirection, LineageDirectionError, LineageEdge, LineageGraph, LineageNode,
        LineageQuery,
    },
    listing::{
        AssetFilter, AssetHead, AssetPage, AssetQuery, ContentTypeFilter, ContentTypeFilterError,
        CursorKey, ListItem, ListedAsset,
    },
    outbox::{
        Backlog, EventOutbox, Lease, ParkedEvent, Progress, ProgressChange, SinkName, SinkNameError,
    },
    parked::{KeptEvent, ParkedEvents, ParkedFilter},
    parts::{
        AbortOutcome, CompletionOutcome, ListedUpload, OpenUpload, OpenUploads, PartTerms,
        PartsListing, StoredPart, UploadsMarker, abort_unless_completed,
    },
    sink::{DatasetEventSink, Delivery, SinkError},
    storage::{
        CompositeDigest, DownloadTerms, HashOutcome, PinnedObject, PresignedDownload,
        PresignedUpload, RawStorageRepository, SignedUrl, StoreCapabilities, StoredObject,
        UploadTerms,
    },
    verification::{
        AssetVerification, NewVerification, VerificationOrder, VerificationOutcome, verify_object,
    },
    worker::{ObjectWorker, Urgency, WorkError, WorkProgress},
};
