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

/// What a write was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// An intent, or one more presign of it.
    Presign,
    Registration,
}

/// A catalogue that has something done after each write, with its scope, whatever came of it: an
/// answer that was lost may have been written too. A write whose caller went away meanwhile is
/// not told of.
pub(crate) struct AfterWrite<F> {
    inner: Arc<dyn AssetCatalog>,
    then: F,
}

impl<F: Fn(&Scope, Write) + Send + Sync + 'static> AfterWrite<F> {
    pub(crate) fn new(inner: Arc<dyn AssetCatalog>, then: F) -> Self {
        Self { inner, then }
    }
}

#[async_trait]
impl<F: Fn(&Scope, Write) + Send + Sync + 'static> AssetCatalog for AfterWrite<F> {
    async fn record_intent(
        &self,
        intent: UploadIntent,
        event: EventBody,
    ) -> Result<(), CatalogError> {
        let scope = intent.scope.clone();
        let recorded = self.inner.record_intent(intent, event).await;
        (self.then)(&scope, Write::Presign);
        recorded
    }

    async fn record_keyed_intent(&self, new: KeyedIntent) -> Result<KeyedOutcome, CatalogError> {
        let scope = new.key.scope.clone();
        let recorded = self.inner.record_keyed_intent(new).await;
        (self.then)(&scope, Write::Presign);
        recorded
    }

    async fn record_repeated_presign(
        &self,
        event: EventBody,
    ) -> Result<RepeatOutcome, CatalogError> {
        let scope = event.scope();
        let recorded = self.inner.record_repeated_presign(event).await;
        (self.then)(&scope, Write::Presign);
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
        (self.then)(&scope, Write::Registration);
        registered
    }

    async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<RawAsset>, CatalogError> {
        self.inner.find_asset(scope, asset).await
    }

    async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        self.inner.events(scope, query).await
    }

    async fn ready(&self) -> Result<(), CatalogError> {
        self.inner.ready().await
    }
}
