use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, RawAsset, Sha256Digest},
    event::DatasetEvent,
    ports::{
        Backlog, CallerKey, CatalogError, EventQuery, IntentState, KeptEvent, OpenIntents,
        ParkedFilter, PinnedObject, SinkName, StandingKey,
    },
    tenancy::Scope,
    time::Timestamp,
};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    pool::{Connections, SILENCE},
    queries,
};
use crate::backend::Reader;

/// Answers by transactions that cannot write.
pub(super) struct PostgresReader {
    connections: Arc<Connections>,
    catalog_id: Uuid,
}

impl PostgresReader {
    pub(super) fn new(connections: Arc<Connections>, catalog_id: Uuid) -> Self {
        Self {
            connections,
            catalog_id,
        }
    }
}

/// Asks a question on one connection after the other, until one lives. Whoever asks has a deadline
/// of its own. A macro, since no closure may lend a connection to a future that is sent elsewhere.
macro_rules! ask {
    ($reader:ident, $connection:ident => $question:expr) => {
        loop {
            let mut lent = $reader.connections.lend().await?;
            let $connection = lent.connection();
            let answer = timeout(SILENCE, $question).await;
            if let Some(answer) = lent.settle(answer) {
                break answer;
            }
        }
    };
}

#[async_trait]
impl Reader for PostgresReader {
    async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        ask!(self, on => queries::intent(on, scope, asset))
    }

    async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError> {
        ask!(self, on => queries::standing_key(on, key, now))
    }

    async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<RawAsset>, CatalogError> {
        ask!(self, on => queries::asset(on, scope, asset))
    }

    async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError> {
        ask!(self, on => queries::unknown_parents(on, scope, parents))
    }

    async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        ask!(self, on => queries::events(on, self.catalog_id, scope, query))
    }

    async fn open_intents(&self) -> Result<OpenIntents, CatalogError> {
        ask!(self, on => queries::open_intents(on))
    }

    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        ask!(self, on => queries::undelivered(on, self.catalog_id, sink, limit, held))
    }

    async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        ask!(self, on => queries::retries(on, self.catalog_id, sink, limit))
    }

    async fn parked(
        &self,
        filter: &ParkedFilter,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, CatalogError> {
        ask!(self, on => queries::parked(on, filter, limit))
    }

    async fn oldest_undelivered(&self, sink: &SinkName) -> Result<Option<Timestamp>, CatalogError> {
        ask!(self, on => queries::oldest_undelivered(on, sink))
    }

    async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        ask!(self, on => queries::backlog(on, sink))
    }

    async fn known_digest(
        &self,
        object: &PinnedObject,
    ) -> Result<Option<Sha256Digest>, CatalogError> {
        ask!(self, on => queries::known_digest(on, object))
    }

    async fn ready(&self) -> Result<(), CatalogError> {
        ask!(self, on => queries::ready(on))
    }

    async fn close(&self) {
        self.connections.close().await;
    }
}
