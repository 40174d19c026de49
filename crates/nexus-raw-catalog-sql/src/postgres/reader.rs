//! Reads, each one call of a function in a read-only transaction.

use std::sync::Arc;

use nexus_raw::{
    asset::{AssetId, ByteSize, RawAsset, Sha256Digest},
    event::DatasetEvent,
    ports::{
        AssetHead, AssetPage, AssetQuery, AssetVerification, Backlog, CallerKey, CatalogError,
        CatalogTotals, CursorKey, DownloadKey, Downloadable, EventQuery, EventSelection,
        IntentState, KeptEvent, ListItem, ListedAsset, ParkedFilter, PinnedObject, SinkName,
        StandingKey,
    },
    tenancy::{Environment, Scope, TenantId},
    time::Timestamp,
};
use sqlx::{PgConnection, Row, postgres::PgRow};
use tokio::time::timeout;

use super::{
    fault,
    gathered::Gathered,
    pool::{Connections, READ_TIMEOUT},
    session::ReadOnly,
    statement::{Argument, TO_READ, call, read, rows},
};
use crate::{
    error::CorruptColumn,
    listing::{self, Listing, Select, Sql, Value},
    rows::{Columns, decode},
};

pub(crate) struct PostgresReader {
    connections: Arc<Connections>,
    /// [`Self::train_ok_effective`], which is asked for with each answer of a record.
    effective: Gathered<Scope, AssetId, Option<bool>>,
}

/// Formats a call of a function on one scope.
fn about(select: &str, scope: &Scope, arguments: &[&dyn Argument]) -> String {
    let (tenant, environment) = (scope.tenant.as_str(), scope.environment.as_str());
    let mut all: Vec<&dyn Argument> = vec![&tenant, &environment];
    all.extend(arguments);
    call(select, &all)
}

/// Returns the single row of a function that always returns one.
fn only(rows: &[PgRow]) -> Result<Columns<'_>, CatalogError> {
    let row = rows
        .first()
        .ok_or_else(|| fault::catalog_error(sqlx::Error::RowNotFound))?;
    Ok(Columns(row))
}

/// The columns of a record from a call `r`; labels and parents are JSON, named as the columns that
/// they aggregate.
macro_rules! asset_columns {
    () => {
        "(r.asset).*, r.bucket, r.labels AS value, r.parents AS parent_id"
    };
}

mod backlog;
mod effective;
mod facts;
mod parts;

const ASSET: &str = concat!("SELECT r.effective, ", asset_columns!(), " FROM asset_v1");

const EFFECTIVE: &str = "effective_v1(a)";

const CONTENT: &str = concat!("SELECT ", asset_columns!(), " FROM content_v1");

const DOWNLOAD: &str = concat!(
    "SELECT r.effective, r.ends_at, ",
    asset_columns!(),
    " FROM download_v1"
);

const INTENT: &str = concat!(
    "SELECT 0 AS upload_intent, (r.intent).*, r.intent_bucket AS bucket, 0 AS asset, ",
    asset_columns!(),
    " FROM intent_v1"
);

const LAST_SEQUENCE: &str =
    "SELECT s.last_sequence FROM scope s WHERE (s.tenant_id, s.env) = (?, ?)";

pub(super) const LISTED: Select<'_> = Select {
    columns: "a",
    join: "JOIN",
    unindexed: ["(", ") IS TRUE"],
    effective: EFFECTIVE,
};
const LISTED_HEAD: &str = "SELECT effective_v1(l.a) AS effective, (l.a).*, d.bucket, d.labels AS value, d.parents AS parent_id FROM (";
/// The same without what is in force.
const RECORDS_HEAD: &str =
    "SELECT (l.a).*, d.bucket, d.labels AS value, d.parents AS parent_id FROM (";
/// The same without records.
const HEADS_HEAD: &str = "SELECT effective_v1(l.a) AS effective, (l.a).asset_id, (l.a).registered_sequence, \
    (l.a).train_ok, (l.a).pii_flags, (l.a).stated_train_ok, (l.a).stated_pii_flags, (l.a).last_fact FROM (";
const HEADS_TAIL: &str = ") l ORDER BY (l.a).registered_sequence DESC";
const THESE: &str = "SELECT a FROM asset a WHERE a.tenant_id = ? AND a.env = ? AND a.asset_id IN ";
const LISTED_TAIL: &str =
    ") l CROSS JOIN LATERAL details_v1(l.a) d ORDER BY (l.a).registered_sequence DESC";

/// Settings of a list's statements: rows come from an index in their order, and what is joined to
/// them is looked up row by row. A plan of another kind goes through the scope, and planners whose
/// statistics are old choose it. Without JIT, since a disabled kind that has no other counts as a
/// cost that is worth compiling for.
pub(super) const TO_LIST: &str = "SET LOCAL transaction_read_only = on; SET LOCAL statement_timeout = '2s'; \
    SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
    SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off; ";

/// The call that enters a scope. It returns one row.
pub(super) fn enter(scope: &Scope) -> String {
    about("SELECT enter", scope, &[])
}

/// A statement about one scope, with what enters it before. Its rows come after one row of that.
pub(super) fn entered(scope: &Scope, sql: &Sql) -> String {
    format!("{}; {}", enter(scope), filled(sql))
}

/// A statement with its values in it.
pub(super) fn filled(sql: &Sql) -> String {
    let mut text = String::new();
    let mut values = sql.values.iter();
    for (n, piece) in sql.text.split('?').enumerate() {
        if n > 0 {
            match values.next() {
                Some(Value::Text(value)) => value.write(&mut text),
                Some(Value::Integer(value)) => value.write(&mut text),
                Some(Value::Bytes(value)) => format!("\\x{}", hex::encode(value)).write(&mut text),
                Some(Value::Id(value)) => value.to_string().write(&mut text),
                None => text.push('?'),
            }
        }
        text.push_str(piece);
    }
    text
}

/// Reads the intent of an asset on the given connection.
pub(super) async fn intent(
    connection: &mut PgConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<IntentState>, CatalogError> {
    let rows = read(connection, &intent_query(scope, asset)).await;
    intent_state(&rows.map_err(fault::catalog_error)?)
}

fn intent_query(scope: &Scope, asset: AssetId) -> String {
    about(INTENT, scope, &[&asset.to_string()]) + " r"
}

fn intent_state(rows: &[PgRow]) -> Result<Option<IntentState>, CatalogError> {
    let state = rows.first().map(|row| decode::intent_state(&Columns(row)));
    Ok(state.transpose()?.map(|(_, state)| state))
}

/// Runs a query, on one connection after the other until one is alive.
async fn query_on(
    connections: &Connections,
    settings: &str,
    query: &str,
) -> Result<Vec<PgRow>, CatalogError> {
    loop {
        let mut connection = connections.acquire().await?;
        let text = format!("{settings}{query}");
        let answer = timeout(READ_TIMEOUT, rows(connection.connection(), text)).await;
        if let Some(answer) = connection.finish(answer) {
            return answer;
        }
    }
}

impl PostgresReader {
    pub(super) fn new(connections: Arc<Connections>) -> Self {
        Self {
            connections,
            effective: Gathered::default(),
        }
    }

    /// Runs a query, on one connection after the other until one is alive. The caller sets a
    /// deadline.
    async fn query(&self, query: &str) -> Result<Vec<PgRow>, CatalogError> {
        self.query_with(TO_READ, query).await
    }

    /// The same, with other settings before the query.
    async fn query_with(&self, settings: &str, query: &str) -> Result<Vec<PgRow>, CatalogError> {
        query_on(&self.connections, settings, query).await
    }

    /// Reads the events that a function returns.
    async fn query_events(&self, call: &str) -> Result<Vec<DatasetEvent>, CatalogError> {
        let query = format!("SELECT (r.event).*, r.log_id FROM {call} r");
        let rows = self.query(&query).await?;
        let events = rows.iter().map(|row| decode::event(&Columns(row)));
        Ok(events.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        intent_state(&self.query(&intent_query(scope, asset)).await?)
    }

    pub(crate) async fn assets(
        &self,
        scope: &Scope,
        query: &AssetQuery,
    ) -> Result<AssetPage, CatalogError> {
        let around = [LISTED_HEAD, LISTED_TAIL];
        self.page(scope, query, around, decode::listed).await
    }

    pub(crate) async fn asset_heads(
        &self,
        scope: &Scope,
        query: &AssetQuery,
    ) -> Result<AssetPage<AssetHead>, CatalogError> {
        let around = [HEADS_HEAD, HEADS_TAIL];
        self.page(scope, query, around, decode::head).await
    }

    /// A page of a list. What is registered meanwhile lies above the place that it begins at, so
    /// the statements need not be of one moment.
    async fn page<A: ListItem>(
        &self,
        scope: &Scope,
        query: &AssetQuery,
        around: [&str; 2],
        decode: fn(&Columns<'_>) -> Result<A, CorruptColumn>,
    ) -> Result<AssetPage<A>, CatalogError> {
        let last = Sql::of(LAST_SEQUENCE, scope);
        let last = self.query_scalar(&entered(scope, &last)).await?;
        let before = listing::before(query, last.unwrap_or(0));
        let listing = Listing::of(scope, &query.filter);
        let floor = if listing.is_checked() {
            self.query_scalar(&entered(scope, &listing.floor(before)))
                .await?
        } else {
            None
        };
        let limit = query.limit.saturating_add(1);
        let sql = listing.rows(LISTED, before, floor.unwrap_or(0), limit);
        let assets = self.selected(scope, around, sql, decode).await?;
        Ok(listing::page(assets, query, floor)?)
    }

    pub(crate) async fn find_records(
        &self,
        scope: &Scope,
        assets: &[AssetId],
    ) -> Result<Vec<RawAsset>, CatalogError> {
        if assets.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::of(THESE, scope);
        sql.push_ids(assets.iter().copied());
        let around = [RECORDS_HEAD, LISTED_TAIL];
        self.selected(scope, around, sql, decode::asset).await
    }

    /// Reads assets that `sql` selects as `a`.
    async fn selected<A>(
        &self,
        scope: &Scope,
        [head, tail]: [&str; 2],
        sql: Sql,
        decode: fn(&Columns<'_>) -> Result<A, CorruptColumn>,
    ) -> Result<Vec<A>, CatalogError> {
        let sql = Sql {
            text: format!("{head}{}{tail}", sql.text),
            ..sql
        };
        let rows = self.query_with(TO_LIST, &entered(scope, &sql)).await?;
        // the first row is that of entering the scope
        let assets = rows.iter().skip(1).map(|row| decode(&Columns(row)));
        Ok(assets.collect::<Result<_, _>>()?)
    }

    /// The number that a statement behind [`entered`] answers, if it has a row.
    async fn query_scalar(&self, question: &str) -> Result<Option<i64>, CatalogError> {
        let rows = self.query_with(TO_LIST, question).await?;
        let number = rows.get(1).map(|row| row.try_get(0)).transpose();
        number.map_err(fault::catalog_error)
    }

    pub(crate) async fn cursor_key(&self) -> Result<CursorKey, CatalogError> {
        let rows = self.query("SELECT cursor_key FROM catalog").await?;
        Ok(CursorKey::new(only(&rows)?.bytes("catalog.cursor_key")?))
    }

    pub(crate) async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError> {
        let (user, route) = (key.user.as_str(), key.route);
        let digest = key.key.digest().to_string();
        let arguments: [&dyn Argument; 4] = [&user, &route, &digest, &now.as_micros()];
        let query = about("SELECT * FROM key_v1", &key.scope, &arguments);
        let rows = self.query(&query).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let body_digest = Columns(row).digest("idempotency.body_digest")?;
        let asset = Columns(row).asset_id("idempotency.asset_id")?;
        // an intent is never deleted, so it may be read after the key
        let intent = self.find_intent(&key.scope, asset);
        let state = intent.await?.ok_or(CorruptColumn("idempotency.asset_id"))?;
        Ok(decode::standing(body_digest, state))
    }

    pub(crate) async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<ListedAsset>, CatalogError> {
        self.asset_as(scope, asset, decode::listed).await
    }

    pub(crate) async fn find_verification(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetVerification>, CatalogError> {
        self.asset_as(scope, asset, decode::asset_verification)
            .await
    }

    async fn asset_as<T>(
        &self,
        scope: &Scope,
        asset: AssetId,
        decode: impl Fn(&Columns<'_>) -> Result<T, CorruptColumn>,
    ) -> Result<Option<T>, CatalogError> {
        let query = about(ASSET, scope, &[&asset.to_string()]) + " r";
        let rows = self.query(&query).await?;
        Ok(rows.first().map(|row| decode(&Columns(row))).transpose()?)
    }

    pub(crate) async fn find_content(
        &self,
        scope: &Scope,
        sha256: Sha256Digest,
        size_bytes: ByteSize,
    ) -> Result<Option<RawAsset>, CatalogError> {
        let sha256 = format!("\\x{sha256}");
        let size = i64::try_from(size_bytes.get()).unwrap_or(i64::MAX);
        let query = about(CONTENT, scope, &[&sha256, &size]) + " r";
        let rows = self.query(&query).await?;
        let asset = rows.first().map(|row| decode::asset(&Columns(row)));
        Ok(asset.transpose()?)
    }

    pub(crate) async fn find_download(
        &self,
        key: &DownloadKey,
    ) -> Result<Option<Downloadable>, CatalogError> {
        let id = key.asset_id.to_string();
        let (user, disposition) = (key.user.as_str(), key.disposition.as_str());
        let query = about(DOWNLOAD, &key.scope, &[&id, &user, &disposition]) + " r";
        let rows = self.query(&query).await?;
        let found = rows.first().map(|row| listing::downloadable(&Columns(row)));
        Ok(found.transpose()?)
    }

    pub(crate) async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError> {
        let ids: Vec<String> = parents.iter().map(ToString::to_string).collect();
        let ids = format!("{{{}}}", ids.join(","));
        let query = about("SELECT * FROM unknown_parents_v1", scope, &[&ids]);
        let rows = self.query(&query).await?;
        let index = |row: &PgRow| row.try_get::<i64, _>(0).ok()?.try_into().ok();
        let indexes = rows
            .iter()
            .map(|row| index(row).ok_or(CorruptColumn("asset.asset_id")));
        Ok(indexes.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        // no event has a sequence beyond the largest integer of PostgreSQL
        let Ok(after) = i64::try_from(query.after) else {
            return Ok(Vec::new());
        };
        let limit = i64::from(query.limit);
        let query = match &query.selection {
            EventSelection::OfAsset(asset) => {
                let id = asset.to_string();
                about("events_of_v1", scope, &[&id, &after, &limit])
            }
            EventSelection::OfTypes(types) => {
                let names: Vec<_> = types.iter().map(|it| it.as_str()).collect();
                let types = format!("{{{}}}", names.join(","));
                about("events_of_types_v1", scope, &[&types, &after, &limit])
            }
            _ => about("events_after_v1", scope, &[&after, &limit]),
        };
        self.query_events(&query).await
    }

    pub(crate) async fn totals(&self) -> Result<CatalogTotals, CatalogError> {
        let rows = self.query("SELECT * FROM totals_v1()").await?;
        Ok(decode::totals(&only(&rows)?)?)
    }

    pub(crate) async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let held = held.iter().map(|it| (&it.tenant, &it.environment));
        // pairs of texts cannot fail
        let held = serde_json::to_string(&held.collect::<Vec<_>>()).unwrap_or_default();
        let arguments: [&dyn Argument; 3] = [&sink.as_str(), &i64::from(limit), &held];
        self.query_events(&call("undelivered_v1", &arguments)).await
    }

    pub(crate) async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        let arguments: [&dyn Argument; 2] = [&sink.as_str(), &i64::from(limit)];
        self.query_events(&call("retries_v1", &arguments)).await
    }

    pub(crate) async fn parked(
        &self,
        filter: &ParkedFilter,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, CatalogError> {
        let arguments: [&dyn Argument; 5] = [
            &filter.sink.as_ref().map(SinkName::as_str),
            &filter.tenant.as_ref().map(TenantId::as_str),
            &filter.environment.as_ref().map(Environment::as_str),
            &filter.sequence.map(u64::cast_signed),
            &i64::from(limit),
        ];
        let rows = self
            .query(&call("SELECT * FROM parked_v1", &arguments))
            .await?;
        let kept = rows.iter().map(|row| decode::kept_event(&Columns(row)));
        Ok(kept.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn oldest_undelivered(
        &self,
        sink: &SinkName,
    ) -> Result<Option<Timestamp>, CatalogError> {
        let query = call("SELECT oldest_undelivered_v1", &[&sink.as_str()]) + " AS occurred_at";
        let rows = self.query(&query).await?;
        Ok(decode::oldest(&only(&rows)?)?)
    }

    pub(crate) async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        let query = call("SELECT * FROM backlog_v1", &[&sink.as_str()]);
        let rows = self.query(&query).await?;
        Ok(decode::backlog(&only(&rows)?)?)
    }

    pub(crate) async fn known_digest(
        &self,
        object: &PinnedObject,
    ) -> Result<Option<Sha256Digest>, CatalogError> {
        let id = object.asset_id.to_string();
        let (etag, version) = (object.etag.as_str(), object.version_id.as_deref());
        let arguments: [&dyn Argument; 3] = [&id, &etag, &version];
        let query = about("SELECT * FROM known_digest_v1", &object.scope, &arguments);
        let rows = self.query(&(query + " AS r (sha256)")).await?;
        let digest = rows
            .first()
            .map(|row| Columns(row).digest("object_digest.sha256"));
        Ok(digest.transpose()?)
    }

    /// Checks that the catalogue exists and is writable.
    pub(crate) async fn ready(&self) -> Result<(), CatalogError> {
        let query = "SELECT current_setting('transaction_read_only')::boolean FROM catalog";
        // without settings, since the query reads one of them
        let rows = self.query_with("", query).await?;
        match rows.first().map(|row| row.try_get(0)) {
            Some(Ok(false)) => Ok(()),
            Some(Ok(true)) => Err(CatalogError::Unavailable(Box::new(ReadOnly))),
            Some(Err(error)) => Err(fault::catalog_error(error)),
            None => Err(fault::catalog_error(sqlx::Error::RowNotFound)),
        }
    }

    pub(crate) async fn close(&self) {
        self.connections.close().await;
    }
}
