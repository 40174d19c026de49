use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, RawAsset, UploadIntent},
    event::{DatasetEvent, EventBody},
    ports::{
        AssetCatalog, CallerKey, CatalogError, IntentState, KeyedIntent, KeyedOutcome, NewAsset,
        RegisterOutcome, RepeatOutcome, StandingKey,
    },
    tenancy::Scope,
    time::Timestamp,
};

use super::Feed;

/// A catalogue that tells the feed of each write, whatever came of it: an answer that was lost
/// may have been written too. What was written for a caller who went away meanwhile is found by
/// the feed's own looking.
pub(super) struct Announcing {
    inner: Arc<dyn AssetCatalog>,
    feed: Feed,
}

impl Announcing {
    pub(super) fn new(inner: Arc<dyn AssetCatalog>, feed: Feed) -> Self {
        Self { inner, feed }
    }
}

#[async_trait]
impl AssetCatalog for Announcing {
    async fn record_intent(
        &self,
        intent: UploadIntent,
        event: EventBody,
    ) -> Result<(), CatalogError> {
        let scope = intent.scope.clone();
        let recorded = self.inner.record_intent(intent, event).await;
        self.feed.written(&scope);
        recorded
    }

    async fn record_keyed_intent(&self, new: KeyedIntent) -> Result<KeyedOutcome, CatalogError> {
        let scope = new.key.scope.clone();
        let recorded = self.inner.record_keyed_intent(new).await;
        self.feed.written(&scope);
        recorded
    }

    async fn record_repeated_presign(
        &self,
        event: EventBody,
    ) -> Result<RepeatOutcome, CatalogError> {
        let scope = event.scope();
        let recorded = self.inner.record_repeated_presign(event).await;
        self.feed.written(&scope);
        recorded
    }

    async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError> {
        self.inner.find_key(key, now).await
    }

    async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        self.inner.find_intent(scope, asset).await
    }

    async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError> {
        self.inner.unknown_parents(scope, parents).await
    }

    async fn register(&self, new: NewAsset) -> Result<RegisterOutcome, CatalogError> {
        let scope = new.event.scope();
        let registered = self.inner.register(new).await;
        self.feed.written(&scope);
        registered
    }

    async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<RawAsset>, CatalogError> {
        self.inner.find_asset(scope, asset).await
    }

    async fn events_of(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        self.inner.events_of(scope, asset).await
    }

    async fn events_after(
        &self,
        scope: &Scope,
        after: u64,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        self.inner.events_after(scope, after, limit).await
    }

    async fn ready(&self) -> Result<(), CatalogError> {
        self.inner.ready().await
    }
}
