use std::sync::Arc;

use nexus_raw::{
    asset::{AssetId, ByteSize, DeclaredPart, RawAsset, Sha256Digest, StatedFact},
    event::DatasetEvent,
    ports::{
        AssetFacts, AssetPage, AssetQuery, AssetVerification, Backlog, CallerKey, CatalogError,
        CatalogTotals, CursorKey, DownloadKey, Downloadable, EventQuery, IntentState, KeptEvent,
        LineageGraph, LineageQuery, ListedAsset, ParkedFilter, PinnedObject, SinkName, StandingKey,
    },
    tenancy::Scope,
    time::Timestamp,
};
use sqlx::{Connection, Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};

use super::{committed::CommittedEvents, fault::read_error, parameters::keys_json, queries};
use crate::{
    error::CorruptColumn,
    lineage::{self, LineageReader},
    listing::Sql,
    rows::{Cells, decode::standing},
};

/// Reads on a few read-only connections.
pub(crate) struct SqliteReader {
    pool: SqlitePool,
    committed: Arc<CommittedEvents>,
}

impl SqliteReader {
    pub(super) fn new(pool: SqlitePool, committed: Arc<CommittedEvents>) -> Self {
        Self { pool, committed }
    }

    pub(crate) fn committed(&self) -> &CommittedEvents {
        &self.committed
    }

    async fn connection(&self) -> Result<PoolConnection<Sqlite>, CatalogError> {
        self.pool.acquire().await.map_err(read_error)
    }
}

impl LineageReader for SqliteConnection {
    const EFFECTIVE: &'static str = queries::EFFECTIVE;

    async fn rows(&mut self, _: &Scope, sql: Sql) -> Result<Vec<Box<dyn Cells>>, CatalogError> {
        let rows = queries::lists::bound(&sql).fetch_all(self).await;
        let rows = rows.map_err(read_error)?.into_iter();
        Ok(rows.map(|row| Box::new(row) as Box<dyn Cells>).collect())
    }
}

impl SqliteReader {
    pub(crate) async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        let mut connection = self.connection().await?;
        let keys = keys_json([(scope, asset)]);
        let mut found = queries::intents(&mut connection, keys).await?;
        Ok(found.pop_first().map(|(_, state)| state))
    }

    pub(crate) async fn assets(
        &self,
        scope: &Scope,
        query: &AssetQuery,
    ) -> Result<AssetPage, CatalogError> {
        let mut connection = self.connection().await?;
        queries::lists::assets(&mut connection, scope, query).await
    }

    pub(crate) async fn cursor_key(&self) -> Result<CursorKey, CatalogError> {
        let mut connection = self.connection().await?;
        queries::cursor_key(&mut connection).await
    }

    pub(crate) async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError> {
        let mut connection = self.connection().await?;
        let Some((body_digest, asset)) = queries::key(&mut connection, key, now).await? else {
            return Ok(None);
        };
        // an intent is never deleted, so it may be read after the key
        let intents = keys_json([(&key.scope, asset)]);
        let mut found = queries::intents(&mut connection, intents).await?;
        let (_, state) = found
            .pop_first()
            .ok_or(CorruptColumn("idempotency.asset_id"))?;
        Ok(standing(body_digest, state))
    }

    pub(crate) async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<ListedAsset>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::asset(&mut connection, scope, asset).await
    }

    pub(crate) async fn train_ok_effective(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<bool>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::train_ok_effective(&mut connection, scope, asset).await
    }

    pub(crate) async fn find_verification(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetVerification>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::verification(&mut connection, scope, asset).await
    }

    pub(crate) async fn find_facts(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetFacts>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::facts::latest(&mut connection, scope, asset).await
    }

    pub(crate) async fn facts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StatedFact>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::facts::facts(&mut connection, scope, asset, after, limit).await
    }

    pub(crate) async fn unfinished_consent(&self, limit: u32) -> Result<Vec<Scope>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::facts::unfinished(&mut connection, limit).await
    }

    pub(crate) async fn lineage(
        &self,
        scope: &Scope,
        asset: AssetId,
        query: &LineageQuery,
    ) -> Result<Option<LineageGraph>, CatalogError> {
        let mut connection = self.connection().await?;
        // of one moment
        let mut reading = connection.begin().await.map_err(read_error)?;
        lineage::read(&mut *reading, scope, asset, query).await
    }

    pub(crate) async fn find_content(
        &self,
        scope: &Scope,
        sha256: Sha256Digest,
        size_bytes: ByteSize,
    ) -> Result<Option<RawAsset>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::content(&mut connection, scope, sha256, size_bytes).await
    }

    pub(crate) async fn find_download(
        &self,
        key: &DownloadKey,
    ) -> Result<Option<Downloadable>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::download(&mut connection, key).await
    }

    pub(crate) async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError> {
        let mut connection = self.connection().await?;
        let keys = keys_json(parents.iter().map(|parent| (scope, *parent)));
        let registered = queries::registered(&mut connection, keys).await?;
        let is_unknown = |at: &usize| !registered.contains_key(&(scope.clone(), parents[*at]));
        Ok((0..parents.len()).filter(is_unknown).collect())
    }

    pub(crate) async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::events(&mut connection, scope, query).await
    }

    pub(crate) async fn totals(&self) -> Result<CatalogTotals, CatalogError> {
        let mut connection = self.connection().await?;
        queries::totals(&mut connection).await
    }

    pub(crate) async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        // events of held scopes are not read, so the others are not all
        let is_whole = held.is_empty();
        let read = is_whole.then(|| self.committed.begin_read(sink)).flatten();
        let mut connection = self.connection().await?;
        let events = queries::outbox::undelivered(&mut connection, sink, limit, held).await?;
        if let Some(read) = read {
            self.committed.end_read(sink, &read, &events, limit);
        }
        Ok(events)
    }

    pub(crate) async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::outbox::retries(&mut connection, sink, limit).await
    }

    pub(crate) async fn parked(
        &self,
        filter: &ParkedFilter,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::outbox::parked(&mut connection, filter, limit).await
    }

    pub(crate) async fn oldest_undelivered(
        &self,
        sink: &SinkName,
    ) -> Result<Option<Timestamp>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::outbox::oldest_undelivered(&mut connection, sink).await
    }

    pub(crate) async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        let mut connection = self.connection().await?;
        queries::outbox::backlog(&mut connection, sink).await
    }

    pub(crate) async fn known_digest(
        &self,
        object: &PinnedObject,
    ) -> Result<Option<Sha256Digest>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::known_digest(&mut connection, object).await
    }

    pub(crate) async fn declared_parts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u16,
        limit: u16,
    ) -> Result<Vec<DeclaredPart>, CatalogError> {
        let mut connection = self.connection().await?;
        queries::declared_parts(&mut connection, scope, asset, after, limit).await
    }

    pub(crate) async fn ready(&self) -> Result<(), CatalogError> {
        let mut connection = self.connection().await?;
        let ready = sqlx::query("SELECT only_one FROM catalog")
            .fetch_one(&mut *connection)
            .await;
        ready.map(|_| ()).map_err(read_error)
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}
