use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use async_trait::async_trait;
use nexus_raw::{
    asset::{
        AssetId, ByteSize, DeclaredPart, RawAsset, Sha256Digest, StatedFact, UploadId, UploadIntent,
    },
    event::{DatasetEvent, EventBody},
    ports::{
        AbortedUpload, AssetCatalog, AssetFacts, AssetHead, AssetPage, AssetQuery,
        AssetVerification, BegunUpload, CallerKey, CatalogError, CursorKey, DownloadKey,
        DownloadOutcome, Downloadable, EventQuery, FactOutcome, IntentState, KeyClaim, KeyedIntent,
        KeyedOutcome, LineageGraph, LineageQuery, ListedAsset, NewAsset, NewDownload, NewFact,
        NewImport, NewParts, NewVerification, PartsOutcome, RegisterOutcome, RepeatOutcome,
        StandingKey, VerificationOutcome,
    },
    tenancy::Scope,
    time::Timestamp,
};
use nexus_raw_testkit::FakeCatalog;

/// A catalogue that counts how often it is asked.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) inner: FakeCatalog,
    pub(super) lookups: AtomicU32,
    pub(super) writes: AtomicU32,
}

#[async_trait]
impl AssetCatalog for Counted {
    async fn record_intent(
        &self,
        intent: UploadIntent,
        event: EventBody,
    ) -> Result<(), CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.record_intent(intent, event).await
    }

    async fn record_keyed_intent(&self, new: KeyedIntent) -> Result<KeyedOutcome, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.record_keyed_intent(new).await
    }

    async fn claim_key(&self, claim: KeyClaim) -> Result<Sha256Digest, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.claim_key(claim).await
    }

    async fn record_repeated_presign(
        &self,
        event: EventBody,
    ) -> Result<RepeatOutcome, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.record_repeated_presign(event).await
    }

    async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.find_key(key, now).await
    }

    async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.find_intent(scope, asset).await
    }

    async fn record_upload(&self, begun: BegunUpload) -> Result<Option<UploadId>, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.record_upload(begun).await
    }

    async fn declare_parts(&self, new: NewParts) -> Result<PartsOutcome, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.declare_parts(new).await
    }

    async fn declared_parts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u16,
        limit: u16,
    ) -> Result<Vec<DeclaredPart>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.declared_parts(scope, asset, after, limit).await
    }

    async fn record_abort(&self, event: EventBody) -> Result<AbortedUpload, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.record_abort(event).await
    }

    async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.unknown_parents(scope, parents).await
    }

    async fn register(&self, new: NewAsset) -> Result<RegisterOutcome, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.register(new).await
    }

    async fn record_import(&self, new: NewImport) -> Result<RegisterOutcome, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.record_import(new).await
    }

    async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<ListedAsset>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.find_asset(scope, asset).await
    }

    async fn train_ok_effective(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<bool>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.train_ok_effective(scope, asset).await
    }

    /// None, so that each answer asks.
    fn consent_version(&self, _: &Scope) -> Option<u64> {
        None
    }

    async fn find_facts(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetFacts>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.find_facts(scope, asset).await
    }

    async fn facts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StatedFact>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.facts(scope, asset, after, limit).await
    }

    async fn record_fact(&self, new: NewFact) -> Result<FactOutcome, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.record_fact(new).await
    }

    async fn advance_consent(&self, scope: &Scope, most: u32) -> Result<bool, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.advance_consent(scope, most).await
    }

    async fn unfinished_consent(&self, limit: u32) -> Result<Vec<Scope>, CatalogError> {
        // of no scope, and not asked by a request
        self.inner.unfinished_consent(limit).await
    }

    async fn lineage(
        &self,
        scope: &Scope,
        asset: AssetId,
        query: &LineageQuery,
    ) -> Result<Option<LineageGraph>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.lineage(scope, asset, query).await
    }

    async fn find_verification(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetVerification>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.find_verification(scope, asset).await
    }

    async fn record_verification(
        &self,
        new: NewVerification,
    ) -> Result<VerificationOutcome, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.record_verification(new).await
    }

    async fn find_content(
        &self,
        scope: &Scope,
        sha256: Sha256Digest,
        size_bytes: ByteSize,
    ) -> Result<Option<RawAsset>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.find_content(scope, sha256, size_bytes).await
    }

    async fn find_download(&self, key: &DownloadKey) -> Result<Option<Downloadable>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.find_download(key).await
    }

    async fn record_download(&self, new: NewDownload) -> Result<DownloadOutcome, CatalogError> {
        self.writes.fetch_add(1, SeqCst);
        self.inner.record_download(new).await
    }

    async fn assets(&self, scope: &Scope, query: &AssetQuery) -> Result<AssetPage, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.assets(scope, query).await
    }

    async fn asset_heads(
        &self,
        scope: &Scope,
        query: &AssetQuery,
    ) -> Result<AssetPage<AssetHead>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.asset_heads(scope, query).await
    }

    async fn find_records(
        &self,
        scope: &Scope,
        assets: &[AssetId],
    ) -> Result<Vec<RawAsset>, CatalogError> {
        // of what `asset_heads` has found, and is not remembered
        self.inner.find_records(scope, assets).await
    }

    async fn cursor_key(&self) -> Result<CursorKey, CatalogError> {
        // of no scope, and looked up once
        self.inner.cursor_key().await
    }

    async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        self.lookups.fetch_add(1, SeqCst);
        self.inner.events(scope, query).await
    }

    async fn ready(&self) -> Result<(), CatalogError> {
        self.inner.ready().await
    }
}
