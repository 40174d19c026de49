use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use nexus_raw::{
    asset::{AssetId, ByteSize, DeclaredPart, RawAsset, Sha256Digest, StatedFact},
    event::DatasetEvent,
    ports::{
        AssetFacts, AssetHead, AssetPage, AssetQuery, AssetVerification, Backlog, CallerKey,
        CatalogError, CatalogTotals, CursorKey, DownloadKey, Downloadable, EventQuery, IntentState,
        KeptEvent, LineageGraph, LineageQuery, ListItem, ListedAsset, ParkedFilter, PinnedObject,
        ScopeRecords, SinkName, StandingKey, UnverifiedAsset, UnverifiedPlace,
    },
    tenancy::{Scope, TenantId},
    time::Timestamp,
};

use super::{
    committed::CommittedEvents,
    connection::SqliteConnection,
    fault::read_error,
    queries::{self, lists},
    readers::ReaderThreads,
};
use crate::{
    backlog,
    error::{CorruptColumn, Reason},
    lineage::{self, LineageReader},
    listing::{Select, Sql},
    rows::{Columns, decode},
};

/// Reads on a few threads.
pub(crate) struct SqliteReader {
    threads: ReaderThreads,
    committed: Arc<CommittedEvents>,
}

impl SqliteReader {
    pub(super) fn new(threads: ReaderThreads, committed: Arc<CommittedEvents>) -> Self {
        Self { threads, committed }
    }

    pub(crate) fn committed(&self) -> &CommittedEvents {
        &self.committed
    }
}

impl LineageReader for SqliteConnection {
    const EFFECTIVE: &'static str = queries::EFFECTIVE;

    async fn rows<T: Send>(
        &mut self,
        _: &Scope,
        sql: Sql,
        read: impl Fn(&Columns<'_>) -> Result<T, CorruptColumn> + Send,
    ) -> Result<Vec<T>, CatalogError> {
        lists::rows(self, &sql, read)
    }
}

/// Reads a lineage, of one moment.
fn read_lineage(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
    query: &LineageQuery,
) -> Result<Option<LineageGraph>, CatalogError> {
    connection.batch("BEGIN").map_err(read_error)?;
    let read = {
        let read = pin!(lineage::read(connection, scope, asset, query));
        // nothing is waited for: each statement blocks
        match read.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => read,
            Poll::Pending => Err(Reason::Deadline.into()),
        }
    };
    // a failed read may have ended it
    if !connection.is_autocommit() {
        let ended = connection.batch("ROLLBACK").map_err(read_error);
        return read.and_then(|read| ended.map(|()| read));
    }
    read
}

impl SqliteReader {
    pub(crate) async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        let scope = scope.clone();
        self.threads
            .read(move |connection| queries::intent(connection, &scope, asset))
            .await
    }

    pub(crate) async fn assets(
        &self,
        scope: &Scope,
        query: &AssetQuery,
    ) -> Result<AssetPage, CatalogError> {
        self.page(scope, query, lists::LISTED, decode::listed).await
    }

    pub(crate) async fn asset_heads(
        &self,
        scope: &Scope,
        query: &AssetQuery,
    ) -> Result<AssetPage<AssetHead>, CatalogError> {
        self.page(scope, query, lists::HEADS, decode::head).await
    }

    async fn page<A: ListItem + Send + 'static>(
        &self,
        scope: &Scope,
        query: &AssetQuery,
        select: Select<'static>,
        decode: fn(&Columns<'_>) -> Result<A, CorruptColumn>,
    ) -> Result<AssetPage<A>, CatalogError> {
        let (scope, query) = (scope.clone(), query.clone());
        self.threads
            .read(move |connection| lists::page(connection, &scope, &query, select, decode))
            .await
    }

    pub(crate) async fn find_records(
        &self,
        scope: &Scope,
        assets: &[AssetId],
    ) -> Result<Vec<RawAsset>, CatalogError> {
        let (scope, assets) = (scope.clone(), assets.to_vec());
        self.threads
            .read(move |connection| lists::these(connection, &scope, &assets))
            .await
    }

    pub(crate) async fn cursor_key(&self) -> Result<CursorKey, CatalogError> {
        self.threads.read(queries::cursor_key).await
    }

    pub(crate) async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError> {
        let key = key.clone();
        self.threads
            .read(move |connection| {
                let Some((body_digest, asset)) = queries::key(connection, &key, now)? else {
                    return Ok(None);
                };
                // an intent is never deleted, so it may be read after the key
                let state = queries::intent(connection, &key.scope, asset)?;
                let state = state.ok_or(CorruptColumn("idempotency.asset_id"))?;
                Ok(decode::standing(body_digest, state))
            })
            .await
    }

    pub(crate) async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<ListedAsset>, CatalogError> {
        let scope = scope.clone();
        self.threads
            .read(move |connection| queries::asset(connection, &scope, asset))
            .await
    }

    pub(crate) async fn train_ok_effective(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<bool>, CatalogError> {
        let scope = scope.clone();
        self.threads
            .read(move |connection| queries::train_ok_effective(connection, &scope, asset))
            .await
    }

    pub(crate) async fn find_verification(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetVerification>, CatalogError> {
        let scope = scope.clone();
        self.threads
            .read(move |connection| queries::verification(connection, &scope, asset))
            .await
    }

    pub(crate) async fn find_facts(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetFacts>, CatalogError> {
        let scope = scope.clone();
        self.threads
            .read(move |connection| queries::facts::latest(connection, &scope, asset))
            .await
    }

    pub(crate) async fn facts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StatedFact>, CatalogError> {
        let scope = scope.clone();
        self.threads
            .read(move |connection| queries::facts::facts(connection, &scope, asset, after, limit))
            .await
    }

    pub(crate) async fn unfinished_consent(&self, limit: u32) -> Result<Vec<Scope>, CatalogError> {
        self.threads
            .read(move |connection| queries::facts::unfinished(connection, limit))
            .await
    }

    pub(crate) async fn lineage(
        &self,
        scope: &Scope,
        asset: AssetId,
        query: &LineageQuery,
    ) -> Result<Option<LineageGraph>, CatalogError> {
        let (scope, query) = (scope.clone(), *query);
        self.threads
            .read(move |connection| read_lineage(connection, &scope, asset, &query))
            .await
    }

    pub(crate) async fn find_content(
        &self,
        scope: &Scope,
        sha256: Sha256Digest,
        size_bytes: ByteSize,
    ) -> Result<Option<RawAsset>, CatalogError> {
        let scope = scope.clone();
        self.threads
            .read(move |connection| queries::content(connection, &scope, sha256, size_bytes))
            .await
    }

    pub(crate) async fn find_download(
        &self,
        key: &DownloadKey,
    ) -> Result<Option<Downloadable>, CatalogError> {
        let key = key.clone();
        self.threads
            .read(move |connection| queries::download(connection, &key))
            .await
    }

    pub(crate) async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError> {
        let (scope, parents) = (scope.clone(), parents.to_vec());
        self.threads
            .read(move |connection| {
                let mut unknown = Vec::new();
                for (at, parent) in parents.into_iter().enumerate() {
                    if queries::registered(connection, &scope, parent)?.is_none() {
                        unknown.push(at);
                    }
                }
                Ok(unknown)
            })
            .await
    }

    pub(crate) async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let (scope, query) = (scope.clone(), query.clone());
        self.threads
            .read(move |connection| queries::events(connection, &scope, &query))
            .await
    }

    pub(crate) async fn totals(&self) -> Result<CatalogTotals, CatalogError> {
        self.threads.read(queries::totals).await
    }

    pub(crate) async fn scopes_with_records(
        &self,
        tenant: Option<&TenantId>,
        after: Option<&Scope>,
        limit: u32,
    ) -> Result<Vec<ScopeRecords>, CatalogError> {
        let sql = backlog::scopes(tenant, after, limit);
        self.threads
            .read(move |connection| lists::rows(connection, &sql, backlog::scope_records))
            .await
    }

    pub(crate) async fn unverified(
        &self,
        scope: &Scope,
        before: Timestamp,
        after: Option<UnverifiedPlace>,
        limit: u32,
    ) -> Result<Vec<UnverifiedAsset>, CatalogError> {
        let sql = backlog::unverified(lists::BY_VERIFICATION, scope, before, after, limit);
        self.threads
            .read(move |connection| lists::rows(connection, &sql, backlog::unverified_asset))
            .await
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
        let (of, held) = (sink.clone(), held.to_vec());
        let events = self
            .threads
            .read(move |connection| queries::outbox::undelivered(connection, &of, limit, &held));
        let events = events.await?;
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
        let sink = sink.clone();
        self.threads
            .read(move |connection| queries::outbox::retries(connection, &sink, limit))
            .await
    }

    pub(crate) async fn parked(
        &self,
        filter: &ParkedFilter,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, CatalogError> {
        let filter = filter.clone();
        self.threads
            .read(move |connection| queries::outbox::parked(connection, &filter, limit))
            .await
    }

    pub(crate) async fn oldest_undelivered(
        &self,
        sink: &SinkName,
    ) -> Result<Option<Timestamp>, CatalogError> {
        let sink = sink.clone();
        self.threads
            .read(move |connection| queries::outbox::oldest_undelivered(connection, &sink))
            .await
    }

    pub(crate) async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        let sink = sink.clone();
        self.threads
            .read(move |connection| queries::outbox::backlog(connection, &sink))
            .await
    }

    pub(crate) async fn known_digest(
        &self,
        object: &PinnedObject,
    ) -> Result<Option<Sha256Digest>, CatalogError> {
        let object = object.clone();
        self.threads
            .read(move |connection| queries::known_digest(connection, &object))
            .await
    }

    pub(crate) async fn declared_parts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u16,
        limit: u16,
    ) -> Result<Vec<DeclaredPart>, CatalogError> {
        let scope = scope.clone();
        self.threads
            .read(move |connection| {
                queries::declared_parts(connection, &scope, asset, after, limit)
            })
            .await
    }

    pub(crate) async fn ready(&self) -> Result<(), CatalogError> {
        let ready = |connection: &mut SqliteConnection| {
            let ready = connection.only("SELECT only_one FROM catalog", [], |_| Ok(()));
            ready.map_err(read_error)
        };
        self.threads.read(ready).await
    }

    pub(crate) async fn close(&self) {
        self.threads.close().await;
    }
}
