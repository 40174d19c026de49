use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, RawAsset, UploadIntent},
    event::{DatasetEvent, EventBody},
    ports::{
        AssetCatalog, CallerKey, CatalogError, EventQuery, IntentState, KeyedIntent, KeyedOutcome,
        NewAsset, RegisterOutcome, RepeatOutcome, StandingKey,
    },
    tenancy::Scope,
    time::Timestamp,
};

use super::calls::Calls;

/// A catalogue whose calls are measured.
pub(super) struct MeasuredCatalog {
    inner: Arc<dyn AssetCatalog>,
    calls: Calls,
}

impl MeasuredCatalog {
    pub(super) fn new(inner: Arc<dyn AssetCatalog>, calls: Calls) -> Self {
        Self { inner, calls }
    }
}

#[async_trait]
impl AssetCatalog for MeasuredCatalog {
    async fn record_intent(
        &self,
        intent: UploadIntent,
        event: EventBody,
    ) -> Result<(), CatalogError> {
        let call = self.inner.record_intent(intent, event);
        self.calls.time("record_intent", call).await
    }

    async fn record_keyed_intent(&self, new: KeyedIntent) -> Result<KeyedOutcome, CatalogError> {
        let call = self.inner.record_keyed_intent(new);
        self.calls.time("record_keyed_intent", call).await
    }

    async fn record_repeated_presign(
        &self,
        event: EventBody,
    ) -> Result<RepeatOutcome, CatalogError> {
        let call = self.inner.record_repeated_presign(event);
        self.calls.time("record_repeated_presign", call).await
    }

    async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError> {
        let call = self.inner.find_key(key, now);
        self.calls.time("find_key", call).await
    }

    async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        let call = self.inner.find_intent(scope, asset);
        self.calls.time("find_intent", call).await
    }

    async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError> {
        let call = self.inner.unknown_parents(scope, parents);
        self.calls.time("unknown_parents", call).await
    }

    async fn register(&self, new: NewAsset) -> Result<RegisterOutcome, CatalogError> {
        self.calls.time("register", self.inner.register(new)).await
    }

    async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<RawAsset>, CatalogError> {
        let call = self.inner.find_asset(scope, asset);
        self.calls.time("find_asset", call).await
    }

    async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let operation = match query.asset {
            Some(_) => "events_of",
            None => "events_after",
        };
        let call = self.inner.events(scope, query);
        self.calls.time(operation, call).await
    }

    async fn ready(&self) -> Result<(), CatalogError> {
        self.calls.time("ready", self.inner.ready()).await
    }
}
