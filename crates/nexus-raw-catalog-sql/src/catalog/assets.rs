use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, RawAsset, UploadIntent},
    event::{DatasetEvent, EventBody},
    ports::{
        AssetCatalog, CallerKey, CatalogCensus, CatalogError, EventQuery, IntentState, KeyedIntent,
        KeyedOutcome, NewAsset, OpenIntents, RegisterOutcome, RepeatOutcome, StandingKey,
    },
    tenancy::Scope,
    time::Timestamp,
};

use super::{SqlAssetCatalog, timely};
use crate::{
    commitment::CommittedBody,
    writer::{IntentKey, IntentOutcome, Message, NewIntent, Registration, RepeatedPresign},
};

#[async_trait]
impl AssetCatalog for SqlAssetCatalog {
    async fn record_intent(
        &self,
        intent: UploadIntent,
        event: EventBody,
    ) -> Result<(), CatalogError> {
        let event = CommittedBody::seal(&event)?;
        let request = NewIntent {
            intent,
            event,
            key: None,
        };
        match self.writer.call(request, Message::Intent).await? {
            IntentOutcome::Recorded => Ok(()),
            // no key was asked about, so none stands
            IntentOutcome::AlreadyExists | IntentOutcome::KeyStands => {
                Err(CatalogError::AlreadyExists)
            }
        }
    }

    async fn record_keyed_intent(&self, new: KeyedIntent) -> Result<KeyedOutcome, CatalogError> {
        let request = NewIntent {
            intent: new.intent,
            event: CommittedBody::seal(&new.event)?,
            key: Some(Box::new(IntentKey {
                caller: new.key,
                body_digest: new.body_digest,
            })),
        };
        match self.writer.call(request, Message::Intent).await? {
            IntentOutcome::Recorded => Ok(KeyedOutcome::Recorded),
            IntentOutcome::KeyStands => Ok(KeyedOutcome::KeyStands),
            IntentOutcome::AlreadyExists => Err(CatalogError::AlreadyExists),
        }
    }

    async fn record_repeated_presign(
        &self,
        event: EventBody,
    ) -> Result<RepeatOutcome, CatalogError> {
        let request = RepeatedPresign {
            scope: event.scope(),
            event: CommittedBody::seal(&event)?,
        };
        self.writer.call(request, Message::Repeat).await
    }

    async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError> {
        timely(self.reader.find_key(key, now)).await
    }

    async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        timely(self.reader.find_intent(scope, asset)).await
    }

    async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError> {
        timely(self.reader.unknown_parents(scope, parents)).await
    }

    async fn register(&self, new: NewAsset) -> Result<RegisterOutcome, CatalogError> {
        let event = CommittedBody::seal(&new.event)?;
        let request = Registration {
            new: Box::new(new),
            event,
        };
        self.writer.call(request, Message::Register).await
    }

    async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<RawAsset>, CatalogError> {
        timely(self.reader.find_asset(scope, asset)).await
    }

    async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        timely(self.reader.events(scope, query)).await
    }

    async fn ready(&self) -> Result<(), CatalogError> {
        self.writer.check_writes()?;
        timely(self.reader.ready()).await
    }
}

#[async_trait]
impl CatalogCensus for SqlAssetCatalog {
    async fn open_intents(&self) -> Result<OpenIntents, CatalogError> {
        timely(self.reader.open_intents()).await
    }
}
