use std::{sync::Arc, time::Duration};

use nexus_raw::{
    asset::{AssetId, ContentFacts, Provenance, RawAsset},
    event::{DatasetEvent, RequestContext},
    ports::{
        AssetCatalog, EventQuery, IntentState, ObjectWorker, PresignedUpload, StoreCapabilities,
    },
    service::{
        PresignRequest, PresignedAsset, RawStorageService, RegisterError, RegisterRequest,
        Registered, UploadPolicy,
    },
    tenancy::{Scope, WriteAccess},
};
use nexus_raw_testkit::{FakeCatalog, FakeStore, FixedClock, PutOutcome, SequentialIds, sample};

/// A service on fakes, seen by a writer of one scope.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) catalog: FakeCatalog,
    pub(crate) service: Arc<RawStorageService>,
    pub(crate) scope: Scope,
    pub(crate) access: WriteAccess,
    pub(crate) context: RequestContext,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with_policy(UploadPolicy::default())
    }

    /// On a store whose digests are no proof.
    pub(crate) fn careless() -> Self {
        let house = Self::new();
        house.make_careless();
        house
    }

    /// The same, with objects hashed by `hasher`.
    pub(crate) fn hashed_by(policy: UploadPolicy, hasher: impl ObjectWorker) -> Self {
        let mut house = Self::with_policy(policy);
        house.make_careless();
        let service = house.service_of(policy);
        house.service = Arc::new(service.with_worker(Arc::new(hasher)));
        house
    }

    fn make_careless(&self) {
        self.store.set_capabilities(StoreCapabilities {
            enforces_sha256: false,
            keeps_octet_stream: true,
            honours_response_headers: true,
            proves_parts: true,
        });
    }

    fn service_of(&self, policy: UploadPolicy) -> RawStorageService {
        RawStorageService::new(
            self.store.clone(),
            Arc::new(self.catalog.clone()),
            self.clock.clone(),
            Arc::new(SequentialIds::seeded(1)),
        )
        .with_policy(policy)
    }

    pub(crate) fn with_policy(policy: UploadPolicy) -> Self {
        let clock = Arc::new(FixedClock::at(sample::now()));
        let store = Arc::new(FakeStore::new(sample::bucket(), clock.clone()));
        let catalog = FakeCatalog::new();
        let service = RawStorageService::new(
            store.clone(),
            Arc::new(catalog.clone()),
            clock.clone(),
            Arc::new(SequentialIds::seeded(1)),
        )
        .with_policy(policy);
        let scope = sample::scope("t_a", "dev");
        Self {
            clock,
            store,
            catalog,
            service: Arc::new(service),
            access: sample::access(&scope),
            scope,
            context: sample::context(),
        }
    }

    /// The same house, seen by a writer of another scope.
    pub(crate) fn seen_from(&self, tenant: &str, environment: &str) -> Self {
        let scope = sample::scope(tenant, environment);
        Self {
            access: sample::access(&scope),
            scope,
            ..self.clone()
        }
    }

    pub(crate) async fn presign(&self) -> PresignedAsset {
        self.presign_of(sample::facts()).await
    }

    pub(crate) async fn presign_of(&self, facts: ContentFacts) -> PresignedAsset {
        let request = PresignRequest::new(facts);
        self.service
            .presign_upload(&self.access, &self.context, request)
            .await
            .unwrap()
            .into_upload()
            .unwrap()
    }

    /// An asset whose promised content was uploaded.
    pub(crate) async fn uploaded(&self) -> PresignedAsset {
        let presigned = self.presign().await;
        let outcome = self.store.upload(single(&presigned), sample::CONTENT);
        assert_eq!(outcome, PutOutcome::Stored);
        presigned
    }

    pub(crate) async fn register(
        &self,
        request: RegisterRequest,
    ) -> Result<Registered, RegisterError> {
        self.service
            .register(&self.access, &self.context, request)
            .await
    }

    /// An asset that was uploaded and registered with `provenance`.
    pub(crate) async fn registered(&self, provenance: Provenance) -> RawAsset {
        let asset_id = self.uploaded().await.asset_id;
        let registered = self.register(stating(asset_id, provenance)).await.unwrap();
        assert!(registered.created);
        registered.asset
    }

    /// What the catalogue holds of an asset.
    pub(crate) async fn state(&self, asset: AssetId) -> Option<IntentState> {
        self.catalog.find_intent(&self.scope, asset).await.unwrap()
    }

    pub(crate) fn events(&self) -> Vec<DatasetEvent> {
        self.catalog.events_in(&self.scope)
    }

    /// Moves the clock past the end of every intent made so far.
    pub(crate) fn end_intents(&self) {
        self.clock
            .advance(self.service.policy().intent_ttl + Duration::from_secs(1));
    }

    /// Checks that a refused registration left the asset as it was presigned.
    pub(crate) async fn assert_pending(&self, asset: AssetId) {
        let state = self.state(asset).await;
        assert!(matches!(state, Some(IntentState::Pending(_))), "{state:?}");
        let of_asset = self
            .catalog
            .events(&self.scope, &EventQuery::first(1000).of_asset(asset))
            .await
            .unwrap();
        assert_eq!(of_asset.len(), 1, "{of_asset:?}");
    }
}

/// A registration that restates nothing.
pub(crate) fn stating(asset_id: AssetId, provenance: Provenance) -> RegisterRequest {
    RegisterRequest::new(asset_id).with_provenance(provenance)
}

/// A registration that states nothing.
pub(crate) fn plain(asset_id: AssetId) -> RegisterRequest {
    stating(asset_id, Provenance::default())
}

/// The one request of an upload.
pub(crate) fn single(presigned: &PresignedAsset) -> &PresignedUpload {
    presigned.upload.as_single().unwrap()
}
