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

use super::{FailPoints, Point};

pub(super) struct CatalogWithPoints {
    pub(super) inner: Arc<dyn AssetCatalog>,
    pub(super) points: FailPoints,
}

#[async_trait]
impl AssetCatalog for CatalogWithPoints {
    async fn record_intent(
        &self,
        intent: UploadIntent,
        event: EventBody,
    ) -> Result<(), CatalogError> {
        let recorded = self.inner.record_intent(intent, event).await;
        self.points.reached(Point::AfterIntent);
        recorded
    }

    async fn record_keyed_intent(&self, new: KeyedIntent) -> Result<KeyedOutcome, CatalogError> {
        let recorded = self.inner.record_keyed_intent(new).await;
        self.points.reached(Point::AfterIntent);
        recorded
    }

    async fn record_repeated_presign(
        &self,
        event: EventBody,
    ) -> Result<RepeatOutcome, CatalogError> {
        let recorded = self.inner.record_repeated_presign(event).await;
        self.points.reached(Point::AfterIntent);
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
        let registered = self.inner.register(new).await;
        self.points.reached(Point::AfterCommit);
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
