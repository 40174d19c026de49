//! A store, a catalogue, and processes that share both.

use std::{
    future::pending,
    num::{NonZeroU32, NonZeroU64},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use nexus_raw::{
    asset::{
        AssetId, DeclaredPart, Integrity, IntegrityLevel, Provenance, RawAsset, RawAssetParts,
        UploadIntent,
    },
    event::{EventBody, EventType},
    ports::{
        AbortOutcome, CompletionOutcome, HashOutcome, OpenUpload, PinnedObject, RegisterOutcome,
        UploadTerms, WorkClaim, WorkLedger, verify_object,
    },
    tenancy::Scope,
};
use nexus_raw_testkit::{FakeCatalog, FakeStore, PutOutcome, sample, steps};
use uuid::Uuid;

use super::*;

/// A clock that goes with the runtime's, which a test pauses.
#[derive(Debug)]
pub(super) struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        sample::now().saturating_add(self.0.elapsed())
    }
}

/// A worker of one process, by the leases of the catalogue, as the server's.
#[derive(Debug)]
pub(super) struct LeasedWorker {
    pub(super) storage: Arc<FakeStore>,
    pub(super) catalog: FakeCatalog,
    pub(super) clock: Arc<RuntimeClock>,
    pub(super) owner: Uuid,
    /// How long a reading takes.
    pub(super) takes: Duration,
    /// What was read, in order, and when it was begun.
    pub(super) begun: Mutex<Vec<(AssetId, Instant)>>,
}

#[async_trait]
impl ObjectWorker for LeasedWorker {
    async fn digest(
        &self,
        _: PinnedObject,
        _: Urgency,
    ) -> Result<WorkProgress<HashOutcome>, WorkError> {
        Ok(WorkProgress::Pending)
    }

    async fn complete(
        &self,
        _: OpenUpload,
        _: Vec<DeclaredPart>,
    ) -> Result<WorkProgress<CompletionOutcome>, WorkError> {
        Ok(WorkProgress::Pending)
    }

    async fn abort(&self, _: OpenUpload) -> Result<WorkProgress<AbortOutcome>, WorkError> {
        Ok(WorkProgress::Pending)
    }

    async fn verify(
        &self,
        order: VerificationOrder,
        _: Urgency,
    ) -> Result<WorkProgress<Verification>, WorkError> {
        let (scope, asset) = (order.asset.scope(), order.asset.asset_id());
        let (now, ttl) = (self.clock.now(), Duration::from_secs(30));
        let claim = self
            .catalog
            .claim_verification(scope, asset, self.owner, now, ttl);
        let WorkClaim::Taken(lease) = claim.await? else {
            return Ok(WorkProgress::Pending);
        };
        self.begun.lock().unwrap().push((asset, Instant::now()));
        tokio::time::sleep(self.takes).await;
        let epoch = Some(lease.epoch);
        let done = verify_object(&*self.storage, &self.catalog, &*self.clock, &order, epoch).await;
        self.catalog.release_work(scope, asset, lease.epoch).await?;
        done
    }
}

pub(super) struct House {
    pub(super) clock: Arc<RuntimeClock>,
    pub(super) store: Arc<FakeStore>,
    pub(super) catalog: FakeCatalog,
}

/// What a run came to.
pub(super) struct Ran {
    pub(super) result: Result<ScrubSummary, ScrubError>,
    pub(super) findings: Vec<ScrubFinding>,
}

impl Ran {
    pub(super) fn summary(&self) -> ScrubSummary {
        *self.result.as_ref().unwrap()
    }
}

impl House {
    pub(super) fn new() -> Self {
        let clock = Arc::new(RuntimeClock(Instant::now()));
        Self {
            store: Arc::new(FakeStore::new(sample::bucket(), clock.clone())),
            clock,
            catalog: FakeCatalog::new(),
        }
    }

    pub(super) fn process(&self, number: u128) -> LeasedWorker {
        LeasedWorker {
            storage: self.store.clone(),
            catalog: self.catalog.clone(),
            clock: self.clock.clone(),
            owner: Uuid::from_u128(number),
            takes: Duration::ZERO,
            begun: Mutex::default(),
        }
    }

    /// Uploads and registers the `number`th asset, `days` ago.
    pub(super) async fn registered(&self, scope: &Scope, number: u64, days: i64) -> RawAsset {
        let intent = sample::intent(scope, sample::asset_id(number));
        let terms = UploadTerms {
            intent: &intent,
            sha256: sample::facts().sha256,
            now: self.clock.now(),
            ttl: Duration::from_mins(1),
        };
        let upload = self.store.presign_upload(terms).await.unwrap();
        steps::presign(&self.catalog, &intent).await;
        let stored = self.store.upload(&upload, sample::CONTENT);
        assert_eq!(stored, PutOutcome::Stored);
        self.register(&intent, days).await
    }

    async fn register(&self, intent: &UploadIntent, days: i64) -> RawAsset {
        let stored = self.store.stat(&intent.address).await.unwrap().unwrap();
        let at = sample::seconds_after(-86_400 * days);
        let mut new = sample::new_asset_at(at, intent, Provenance::default());
        new.asset = RawAsset::from_parts(RawAssetParts {
            asset_id: intent.asset_id,
            scope: intent.scope.clone(),
            address: intent.address.clone(),
            facts: new.asset.facts().clone(),
            provenance: Provenance::default(),
            imported_at: at,
            registered_by: sample::user(),
            integrity: Integrity {
                level: IntegrityLevel::S3Sha256,
                version_id: stored.version_id,
                etag: stored.etag,
                parts: None,
            },
        });
        new.event = EventBody::registered(&new.asset, &sample::context());
        let asset = new.asset.clone();
        let registered = self.catalog.register(new).await.unwrap();
        assert_eq!(registered, RegisterOutcome::Registered);
        asset
    }

    pub(super) fn settings() -> ScrubSettings {
        ScrubSettings {
            tenant: None,
            older_than: Duration::from_hours(30 * 24),
            budget: ScrubBudget {
                bytes_per_second: NonZeroU64::MAX,
                requests_per_second: NonZeroU32::MAX,
            },
            max_time: None,
            user: sample::user(),
            context: sample::context(),
        }
    }

    /// Runs until the end.
    pub(super) async fn run(&self, worker: &LeasedWorker, settings: ScrubSettings) -> Ran {
        self.run_until(worker, settings, pending()).await
    }

    pub(super) async fn run_until(
        &self,
        worker: &LeasedWorker,
        settings: ScrubSettings,
        stopped: impl Future<Output = ()>,
    ) -> Ran {
        let scrub = Scrub {
            backlog: &self.catalog,
            catalog: &self.catalog,
            worker,
            storage: &*self.store,
            clock: &*self.clock,
            settings,
        };
        let mut findings = Vec::new();
        let mut report = |it: &ScrubFinding| {
            findings.push(it.clone());
            Ok(())
        };
        let result = scrub.run(stopped, &mut report).await;
        Ran { result, findings }
    }

    /// The verdicts in the events of a scope, with their assets.
    pub(super) fn verdicts(&self, scope: &Scope) -> Vec<(EventType, AssetId, Verdict)> {
        let events = self.catalog.events_in(scope).into_iter();
        let verified = events.filter_map(|it| {
            let verification = it.body.verification?;
            assert_eq!(it.body.user_id, sample::user());
            assert_eq!(it.body.trace_id, sample::context().trace_id);
            assert_eq!(it.body.request_id, sample::context().request_id);
            Some((it.body.event_type, it.body.asset_id, verification.verdict()))
        });
        verified.collect()
    }
}

impl LeasedWorker {
    /// The numbers of the assets that were read, in order.
    pub(super) fn read(&self) -> Vec<AssetId> {
        let begun = self.begun.lock().unwrap();
        begun.iter().map(|(asset, _)| *asset).collect()
    }

    /// When they were begun, in milliseconds since the first.
    pub(super) fn times(&self) -> Vec<u128> {
        let begun = self.begun.lock().unwrap();
        let first = begun[0].1;
        begun
            .iter()
            .map(|(_, at)| (*at - first).as_millis())
            .collect()
    }
}

pub(super) fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<AssetId> {
    numbers.into_iter().map(sample::asset_id).collect()
}
