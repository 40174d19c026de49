//! A gated store, a catalogue, and processes that share both.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use nexus_raw::{
    asset::{
        BucketName, Integrity, IntegrityLevel, ObjectAddress, Provenance, RawAsset, RawAssetParts,
        Sha256Digest, UploadId, UploadIntent, Verdict,
    },
    event::EventBody,
    ports::{
        AssetCatalog, BegunUpload, DownloadTerms, EventQuery, NewParts, OpenUploads, PartTerms,
        PartsListing, PresignedDownload, PresignedUpload, RegisterOutcome, StoreCapabilities,
        StoredObject, UploadTerms, UploadsMarker,
    },
    time::Timestamp,
};
use nexus_raw_testkit::{FakeCatalog, FakeStore, PutOutcome, sample};
use slog::{Discard, o};
use tokio::time::{Instant, sleep};

use super::super::*;

/// A clock that goes with the runtime's time, which these tests pause.
#[derive(Debug)]
pub(super) struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        sample::now().saturating_add(self.0.elapsed())
    }
}

/// A store that reads objects and completes uploads only as far as it is let.
#[derive(Debug)]
pub(super) struct Gated {
    pub(super) store: FakeStore,
    pub(super) gate: Semaphore,
    pub(super) at_once: AtomicUsize,
    pub(super) most_at_once: AtomicUsize,
}

/// Counts what is read or completed at once.
struct Reading<'a>(&'a Gated);

impl<'a> Reading<'a> {
    fn begin(gated: &'a Gated) -> Self {
        let now = gated.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        gated.most_at_once.fetch_max(now, Ordering::SeqCst);
        Self(gated)
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl RawStorageRepository for Gated {
    fn bucket(&self) -> &BucketName {
        self.store.bucket()
    }

    fn capabilities(&self) -> StoreCapabilities {
        self.store.capabilities()
    }

    async fn presign_upload<'a>(
        &self,
        terms: UploadTerms<'a>,
    ) -> Result<PresignedUpload, StorageError> {
        self.store.presign_upload(terms).await
    }

    async fn begin_upload(&self, intent: &UploadIntent) -> Result<UploadId, StorageError> {
        self.store.begin_upload(intent).await
    }

    async fn presign_parts<'a>(
        &self,
        terms: PartTerms<'a>,
        parts: &'a [DeclaredPart],
    ) -> Result<Vec<PresignedUpload>, StorageError> {
        self.store.presign_parts(terms, parts).await
    }

    async fn stored_parts(
        &self,
        upload: &OpenUpload,
        after: u16,
        limit: u16,
    ) -> Result<PartsListing, StorageError> {
        self.store.stored_parts(upload, after, limit).await
    }

    async fn complete(
        &self,
        upload: &OpenUpload,
        parts: &[DeclaredPart],
    ) -> Result<CompletionOutcome, StorageError> {
        let _reading = Reading::begin(self);
        self.gate.acquire().await.unwrap().forget();
        self.store.complete(upload, parts).await
    }

    async fn abort(&self, upload: &OpenUpload) -> Result<(), StorageError> {
        self.store.abort(upload).await
    }

    async fn open_uploads(
        &self,
        after: Option<UploadsMarker>,
    ) -> Result<OpenUploads, StorageError> {
        RawStorageRepository::open_uploads(&self.store, after).await
    }

    async fn presign_download<'a>(
        &self,
        terms: DownloadTerms<'a>,
    ) -> Result<PresignedDownload, StorageError> {
        self.store.presign_download(terms).await
    }

    async fn stat(&self, address: &ObjectAddress) -> Result<Option<StoredObject>, StorageError> {
        self.store.stat(address).await
    }

    async fn hash(&self, object: &PinnedObject) -> Result<HashOutcome, StorageError> {
        let _reading = Reading::begin(self);
        self.gate.acquire().await.unwrap().forget();
        self.store.hash(object).await
    }

    async fn ready(&self) -> Result<(), StorageError> {
        self.store.ready().await
    }
}

pub(super) struct House {
    pub(super) clock: Arc<RuntimeClock>,
    pub(super) store: Arc<Gated>,
    pub(super) catalog: FakeCatalog,
}

pub(super) const SETTINGS: WorkerSettings = WorkerSettings {
    wait_timeout: Duration::from_secs(3),
    awaited_at_once: 2,
    background_at_once: 1,
    lease: Duration::from_secs(30),
};

pub(super) const FOREVER: usize = 1_000_000;

impl House {
    /// A store that reads so many objects, and then none until it is let.
    pub(super) fn letting(objects: usize) -> Self {
        let clock = Arc::new(RuntimeClock(Instant::now()));
        let store = FakeStore::new(sample::bucket(), clock.clone());
        Self {
            store: Arc::new(Gated {
                store,
                gate: Semaphore::new(objects),
                at_once: AtomicUsize::new(0),
                most_at_once: AtomicUsize::new(0),
            }),
            clock,
            catalog: FakeCatalog::new(),
        }
    }

    /// A process with the store and the catalogue.
    pub(super) fn process(&self, number: u128) -> TokioObjectWorker {
        TokioObjectWorker::new(
            self.store.clone(),
            Arc::new(self.catalog.clone()),
            Arc::new(self.catalog.clone()),
            self.clock.clone(),
            Uuid::from_u128(number),
            SETTINGS,
            Logger::root(Discard, o!()),
        )
    }

    /// The object of the `number`th asset, promised and uploaded.
    pub(super) async fn uploaded(&self, number: u64) -> PinnedObject {
        let scope = sample::scope("t_a", "dev");
        let intent = sample::intent(&scope, sample::asset_id(number));
        let terms = UploadTerms {
            intent: &intent,
            sha256: sample::facts().sha256,
            now: self.clock.now(),
            ttl: Duration::from_mins(1),
        };
        let upload = self.store.presign_upload(terms).await.unwrap();
        let event = sample::presigned(&intent);
        self.catalog
            .record_intent(intent.clone(), event)
            .await
            .unwrap();
        let outcome = self.store.store.upload(&upload, sample::CONTENT);
        assert_eq!(outcome, PutOutcome::Stored);
        self.found(&intent.address, &intent).await
    }

    /// The upload of the `number`th asset, with all its parts.
    pub(super) async fn in_parts(&self, number: u64) -> OpenUpload {
        let scope = sample::scope("t_a", "dev");
        let intent = sample::intent_in_parts(&scope, sample::asset_id(number));
        let event = sample::presigned(&intent);
        self.catalog
            .record_intent(intent.clone(), event)
            .await
            .unwrap();
        let upload_id = self.store.begin_upload(&intent).await.unwrap();
        let begun = BegunUpload {
            scope: scope.clone(),
            asset_id: intent.asset_id,
            instead_of: None,
            upload_id: upload_id.clone(),
        };
        self.catalog.record_upload(begun).await.unwrap();
        let parts = NewParts {
            scope,
            asset_id: intent.asset_id,
            parts: sample::parts(),
        };
        self.catalog.declare_parts(parts).await.unwrap();
        let upload = OpenUpload::of(&intent, upload_id);
        let terms = PartTerms {
            upload: &upload,
            now: self.clock.now(),
            ttl: Duration::from_mins(1),
            not_after: intent.ends_at,
        };
        let parts = sample::parts();
        let signed = self.store.presign_parts(terms, &parts).await.unwrap();
        for (signed, bytes) in signed.iter().zip(sample::CONTENT.chunks(8)) {
            assert_eq!(self.store.store.upload(signed, bytes), PutOutcome::Stored);
        }
        upload
    }

    /// The record of the `number`th asset, uploaded and registered.
    pub(super) async fn registered(&self, number: u64) -> VerificationOrder {
        let pinned = self.uploaded(number).await;
        let intent = sample::intent(&pinned.scope, pinned.asset_id);
        let mut new = sample::new_asset(&intent, Provenance::default());
        let integrity = Integrity {
            level: IntegrityLevel::S3Sha256,
            version_id: pinned.version_id,
            etag: pinned.etag,
            parts: None,
        };
        new.asset = RawAsset::from_parts(RawAssetParts {
            asset_id: intent.asset_id,
            scope: intent.scope,
            address: intent.address,
            facts: new.asset.facts().clone(),
            provenance: Provenance::default(),
            imported_at: new.asset.imported_at(),
            registered_by: sample::user(),
            integrity,
        });
        new.event = EventBody::registered(&new.asset, &sample::context());
        let asset = Box::new(new.asset.clone());
        let registered = self.catalog.register(new).await.unwrap();
        assert_eq!(registered, RegisterOutcome::Registered);
        VerificationOrder {
            asset,
            user: sample::user(),
            context: sample::context(),
        }
    }

    /// The verdicts that were recorded, in order.
    pub(super) async fn verdicts(&self) -> Vec<Verdict> {
        let scope = sample::scope("t_a", "dev");
        let all = EventQuery::first(1000);
        let events = self.catalog.events(&scope, &all).await.unwrap();
        let verified = events.iter().filter_map(|it| it.body.verification);
        verified.map(|it| it.verdict()).collect()
    }

    /// How often the store was asked to complete an upload.
    pub(super) fn completions(&self) -> u32 {
        self.store.store.calls().complete
    }

    pub(super) async fn found(
        &self,
        address: &ObjectAddress,
        intent: &nexus_raw::asset::UploadIntent,
    ) -> PinnedObject {
        let found = self.store.stat(address).await.unwrap().unwrap();
        PinnedObject::of(intent, &found)
    }

    pub(super) fn let_read(&self, objects: usize) {
        self.store.gate.add_permits(objects);
    }

    /// How often the store was read.
    pub(super) fn reads(&self) -> u32 {
        self.store.store.calls().hash
    }

    pub(super) async fn known(&self, object: &PinnedObject) -> Option<Sha256Digest> {
        self.catalog.known_digest(object).await.unwrap()
    }

    /// Waits until so many objects are being read.
    pub(super) async fn until_reading(&self, objects: usize) {
        while self.store.at_once.load(Ordering::SeqCst) < objects {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

pub(super) async fn digest(
    hashing: &TokioObjectWorker,
    object: &PinnedObject,
    urgency: Urgency,
) -> WorkProgress<HashOutcome> {
    hashing.digest(object.clone(), urgency).await.unwrap()
}

pub(super) fn promised() -> WorkProgress<HashOutcome> {
    WorkProgress::Done(HashOutcome::Hashed(sample::facts().sha256))
}
