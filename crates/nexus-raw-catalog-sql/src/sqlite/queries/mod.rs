//! Reads, each one statement, on any connection.
//!
//! In SQLite `CROSS JOIN` fixes the order of a join: the requested keys first, then the tables. A
//! test checks that no statement scans a table that grows with use.

use std::collections::BTreeMap;

use nexus_raw::{
    asset::{AssetId, ByteSize, DeclaredPart, RawAsset, Sha256Digest},
    event::DatasetEvent,
    ports::{
        AssetVerification, CallerKey, CatalogError, CatalogTotals, CursorKey, DownloadKey,
        Downloadable, EventQuery, EventSelection, IntentState, ListedAsset, PinnedObject,
    },
    tenancy::Scope,
    time::Timestamp,
};
use sqlx::{
    Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::fault::read_error;
use crate::{
    error::CorruptColumn,
    listing::{self, Value},
    registration::AssetKey,
    rows::{Columns, decode},
};

/// The columns of `asset a`, but for its bucket; its labels and parents as JSON under the names
/// of what they are made of.
macro_rules! asset_columns {
    () => {
        "a.*,
        (SELECT json_group_object(l.label, l.value) FROM asset_label l
            WHERE (l.tenant_id, l.env, l.asset_id) = (a.tenant_id, a.env, a.asset_id)
                AND l.is_registered
        ) AS value,
        (SELECT json_group_array(hex(e.parent_id) ORDER BY e.position) FROM lineage_edge e
            WHERE (e.tenant_id, e.env, e.child_id) = (a.tenant_id, a.env, a.asset_id)
        ) AS parent_id"
    };
}

/// Whether `asset a` and all its ancestors allow training. While a withdrawal is under way the
/// column may be true too long, so the ancestors are looked at.
macro_rules! effective {
    () => {
        "CASE WHEN NOT a.train_ok_effective THEN 0
        WHEN NOT (SELECT s.withdrawing FROM scope s
            WHERE (s.tenant_id, s.env) = (a.tenant_id, a.env)) THEN 1
        ELSE (
            WITH RECURSIVE up (id) AS (
                SELECT e.parent_id FROM lineage_edge e
                WHERE (e.tenant_id, e.env, e.child_id) = (a.tenant_id, a.env, a.asset_id)
                UNION
                SELECT e.parent_id FROM up CROSS JOIN lineage_edge e
                    ON (e.tenant_id, e.env, e.child_id) = (a.tenant_id, a.env, up.id)
                LIMIT 10001
            )
            SELECT count(*) <= 10000 AND coalesce(min(p.train_ok_effective), 1)
            FROM up CROSS JOIN asset p
                ON (p.tenant_id, p.env, p.asset_id) = (a.tenant_id, a.env, up.id)
        ) END"
    };
}

/// See [`effective!`].
pub(super) const EFFECTIVE: &str = effective!();

const ASSET: &str = concat!(
    "SELECT a_store.bucket, ",
    effective!(),
    " AS effective, ",
    asset_columns!(),
    " FROM asset a JOIN object_store a_store USING (object_store_id)
    WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = ?3"
);

const TRAIN_OK_EFFECTIVE: &str = concat!(
    "SELECT ",
    effective!(),
    " AS effective FROM asset a WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = ?3"
);

const INTENTS: &str = concat!(
    "SELECT 0 AS upload_intent, i.*, i_store.bucket, 0 AS asset, a_store.bucket, ",
    asset_columns!(),
    " FROM json_each(?1) k
    CROSS JOIN upload_intent i ON i.tenant_id = k.value ->> 0 AND i.env = k.value ->> 1
        AND i.asset_id = unhex(k.value ->> 2)
    JOIN object_store i_store ON i_store.object_store_id = i.object_store_id
    LEFT JOIN asset a ON a.tenant_id = i.tenant_id AND a.env = i.env AND a.asset_id = i.asset_id
    LEFT JOIN object_store a_store ON a_store.object_store_id = a.object_store_id"
);

const KEY: &str = "
    SELECT * FROM idempotency
    WHERE tenant_id = ?1 AND env = ?2 AND user_id = ?3 AND route = ?4 AND idempotency_key = ?5
        AND ends_at > ?6";

const REGISTERED: &str = "
    SELECT a.tenant_id, a.env, a.asset_id, a.train_ok_effective
    FROM json_each(?1) k
    CROSS JOIN asset a ON a.tenant_id = k.value ->> 0 AND a.env = k.value ->> 1
        AND a.asset_id = unhex(k.value ->> 2)";

/// The columns of `event e`, with its log's id.
macro_rules! event_columns {
    () => {
        "e.*,
        (SELECT l.log_id FROM scope_log l
            WHERE l.tenant_id = e.tenant_id AND l.env = e.env AND l.from_sequence <= e.sequence
            ORDER BY l.from_sequence DESC LIMIT 1
        ) AS log_id"
    };
}

pub(super) mod facts;
pub(super) mod lists;
pub(super) mod outbox;

const EVENTS_OF: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM event e WHERE e.tenant_id = ?1 AND e.env = ?2 AND e.asset_id = ?5 AND e.sequence > ?3
    ORDER BY e.sequence LIMIT ?4"
);

const EVENTS_AFTER: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM event e WHERE e.tenant_id = ?1 AND e.env = ?2 AND e.sequence > ?3
    ORDER BY e.sequence LIMIT ?4"
);

/// Of each type no more than the limit, by the index of the types.
const EVENTS_OF_TYPES: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM (
        SELECT t.sequence FROM json_each(?5) k
        CROSS JOIN event t ON t.tenant_id = ?1 AND t.env = ?2 AND t.event_type = k.value
            AND t.sequence > ?3
            AND t.sequence <= coalesce((
                SELECT last.sequence FROM event last
                WHERE last.tenant_id = ?1 AND last.env = ?2 AND last.event_type = k.value
                    AND last.sequence > ?3
                ORDER BY last.sequence LIMIT 1 OFFSET ?4 - 1
            ), 9223372036854775807)
        ORDER BY t.sequence LIMIT ?4
    ) h
    CROSS JOIN event e ON e.tenant_id = ?1 AND e.env = ?2 AND e.sequence = h.sequence
    ORDER BY e.sequence"
);

const TOTALS: &str = "
    SELECT coalesce(sum(s.open_count), 0) AS open_count,
        coalesce(sum(s.open_bytes), 0) AS open_bytes,
        coalesce(sum(s.corrupt_count), 0) AS corrupt_count
    FROM scope s";

const KNOWN_DIGEST: &str = "
    SELECT d.sha256 FROM object_digest d
    WHERE d.tenant_id = ?1 AND d.env = ?2 AND d.asset_id = ?3
        AND d.etag = ?4 AND d.version_id IS ?5";

const DECLARED_PARTS: &str = "
    SELECT p.part_number, p.size_bytes, p.sha256 FROM upload_part p
    WHERE p.tenant_id = ?1 AND p.env = ?2 AND p.asset_id = ?3 AND p.part_number > ?4
    ORDER BY p.part_number LIMIT ?5";

/// Reads the intents of these keys that exist, each with its state.
pub(super) async fn intents(
    connection: &mut SqliteConnection,
    keys: String,
) -> Result<BTreeMap<AssetKey, IntentState>, CatalogError> {
    let rows = sqlx::query(INTENTS).bind(keys).fetch_all(connection).await;
    collect(rows, decode::intent_state)
}

/// Reads the request digest and the asset id of an idempotency key.
pub(super) async fn key(
    connection: &mut SqliteConnection,
    key: &CallerKey,
    now: Timestamp,
) -> Result<Option<(Sha256Digest, AssetId)>, CatalogError> {
    let row = sqlx::query(KEY)
        .bind(key.scope.tenant.as_str())
        .bind(key.scope.environment.as_str())
        .bind(key.user.as_str())
        .bind(key.route)
        .bind(key.key.digest().to_string())
        .bind(now.as_micros())
        .fetch_optional(connection)
        .await
        .map_err(read_error)?;
    let key = row.map(|row| {
        let row = Columns(&row);
        let body_digest = row.digest("idempotency.body_digest")?;
        Ok::<_, CorruptColumn>((body_digest, row.asset_id("idempotency.asset_id")?))
    });
    Ok(key.transpose()?)
}

/// Returns the registered ones of these assets, each with whether it and all its ancestors allow
/// training.
pub(super) async fn registered(
    connection: &mut SqliteConnection,
    keys: String,
) -> Result<BTreeMap<AssetKey, bool>, CatalogError> {
    let rows = sqlx::query(REGISTERED)
        .bind(keys)
        .fetch_all(connection)
        .await;
    collect(rows, |row| {
        let scope = row.scope("asset.tenant_id", "asset.env")?;
        let key = (scope, row.asset_id("asset.asset_id")?);
        Ok((key, row.get::<i64>("asset.train_ok_effective")? == 1))
    })
}

pub(super) async fn asset(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<ListedAsset>, CatalogError> {
    of_asset(connection, ASSET, scope, asset, decode::listed).await
}

pub(super) async fn train_ok_effective(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<bool>, CatalogError> {
    let flag = |row: &Columns<'_>| decode::flag(row, "asset.effective");
    of_asset(connection, TRAIN_OK_EFFECTIVE, scope, asset, flag).await
}

pub(super) async fn verification(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<AssetVerification>, CatalogError> {
    of_asset(connection, ASSET, scope, asset, decode::asset_verification).await
}

/// Reads the row of one asset, whose key is the parameters of `sql`.
async fn of_asset<T>(
    connection: &mut SqliteConnection,
    sql: &'static str,
    scope: &Scope,
    asset: AssetId,
    decode: impl Fn(&Columns<'_>) -> Result<T, CorruptColumn>,
) -> Result<Option<T>, CatalogError> {
    let row = sqlx::query(sql)
        .bind(scope.tenant.as_str())
        .bind(scope.environment.as_str())
        .bind(&asset.as_uuid().as_bytes()[..])
        .fetch_optional(connection)
        .await
        .map_err(read_error)?;
    Ok(row.map(|row| decode(&Columns(&row))).transpose()?)
}

/// Of those whose digest is proved: by the latest verification, or, where there was none, at
/// registration. That of an upload in parts may be what the caller stated.
const CONTENT: &str = concat!(
    "SELECT a_store.bucket, ",
    asset_columns!(),
    " FROM asset a INDEXED BY asset_by_sha256
    JOIN object_store a_store USING (object_store_id)
    WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.sha256 = ?3 AND a.size_bytes = ?4
        AND CASE WHEN a.verdict IS NULL THEN a.integrity_level IN ('s3_sha256', 'stream_sha256')
            ELSE a.verdict = 'intact' END
    ORDER BY a.registered_sequence LIMIT 1"
);

pub(super) async fn content(
    connection: &mut SqliteConnection,
    scope: &Scope,
    sha256: Sha256Digest,
    size_bytes: ByteSize,
) -> Result<Option<RawAsset>, CatalogError> {
    let row = sqlx::query(CONTENT)
        .bind(scope.tenant.as_str())
        .bind(scope.environment.as_str())
        .bind(&sha256.as_bytes()[..])
        .bind(i64::try_from(size_bytes.get()).unwrap_or(i64::MAX))
        .fetch_optional(connection)
        .await
        .map_err(read_error)?;
    let asset = row.map(|row| decode::asset(&Columns(&row))).transpose();
    Ok(asset?)
}

const DOWNLOAD: &str = concat!(
    "SELECT a_store.bucket, ",
    effective!(),
    " AS effective, ",
    asset_columns!(),
    ", g.ends_at
    FROM asset a JOIN object_store a_store USING (object_store_id)
    LEFT JOIN download_grant g ON (g.tenant_id, g.env, g.asset_id) = (a.tenant_id, a.env, a.asset_id)
        AND g.user_id = ?4 AND g.disposition = ?5
    WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = ?3"
);

pub(super) async fn download(
    connection: &mut SqliteConnection,
    key: &DownloadKey,
) -> Result<Option<Downloadable>, CatalogError> {
    let row = sqlx::query(DOWNLOAD)
        .bind(key.scope.tenant.as_str())
        .bind(key.scope.environment.as_str())
        .bind(&key.asset_id.as_uuid().as_bytes()[..])
        .bind(key.user.as_str())
        .bind(key.disposition.as_str())
        .fetch_optional(connection)
        .await
        .map_err(read_error)?;
    let found = row.map(|row| listing::downloadable(&Columns(&row)));
    Ok(found.transpose()?)
}

const CURSOR_KEY: &str = "SELECT cursor_key FROM catalog";

fn with_value<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    value: &'q Value,
) -> Query<'q, Sqlite, SqliteArguments> {
    match value {
        Value::Text(text) => query.bind(text),
        Value::Integer(number) => query.bind(number),
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Id(id) => query.bind(id.as_uuid().as_bytes().to_vec()),
    }
}

pub(super) async fn cursor_key(
    connection: &mut SqliteConnection,
) -> Result<CursorKey, CatalogError> {
    let row = sqlx::query(CURSOR_KEY)
        .fetch_one(connection)
        .await
        .map_err(read_error)?;
    Ok(CursorKey::new(Columns(&row).bytes("catalog.cursor_key")?))
}

pub(super) async fn events(
    connection: &mut SqliteConnection,
    scope: &Scope,
    query: &EventQuery,
) -> Result<Vec<DatasetEvent>, CatalogError> {
    // no event has a sequence beyond the largest integer of SQLite
    let Ok(after) = i64::try_from(query.after) else {
        return Ok(Vec::new());
    };
    let (sql, selected) = match &query.selection {
        EventSelection::OfAsset(asset) => (EVENTS_OF, Some(Value::Id(*asset))),
        EventSelection::OfTypes(types) => {
            let names: Vec<_> = types.iter().map(|it| it.as_str()).collect();
            let names = serde_json::Value::from(names).to_string();
            (EVENTS_OF_TYPES, Some(Value::Text(names)))
        }
        _ => (EVENTS_AFTER, None),
    };
    let rows = sqlx::query(sql)
        .bind(scope.tenant.as_str())
        .bind(scope.environment.as_str())
        .bind(after)
        .bind(query.limit);
    let rows = match &selected {
        Some(value) => with_value(rows, value),
        None => rows,
    };
    collect(rows.fetch_all(connection).await, stored_event)
}

pub(super) async fn totals(
    connection: &mut SqliteConnection,
) -> Result<CatalogTotals, CatalogError> {
    let row = sqlx::query(TOTALS)
        .fetch_one(connection)
        .await
        .map_err(read_error)?;
    Ok(decode::totals(&Columns(&row))?)
}

pub(super) async fn known_digest(
    connection: &mut SqliteConnection,
    object: &PinnedObject,
) -> Result<Option<Sha256Digest>, CatalogError> {
    let row = sqlx::query(KNOWN_DIGEST)
        .bind(object.scope.tenant.as_str())
        .bind(object.scope.environment.as_str())
        .bind(&object.asset_id.as_uuid().as_bytes()[..])
        .bind(object.etag.as_str())
        .bind(object.version_id.as_deref())
        .fetch_optional(connection)
        .await
        .map_err(read_error)?;
    let digest = row.map(|row| Columns(&row).digest("object_digest.sha256"));
    Ok(digest.transpose()?)
}

pub(super) async fn declared_parts(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
    after: u16,
    limit: u16,
) -> Result<Vec<DeclaredPart>, CatalogError> {
    let rows = sqlx::query(DECLARED_PARTS)
        .bind(scope.tenant.as_str())
        .bind(scope.environment.as_str())
        .bind(&asset.as_uuid().as_bytes()[..])
        .bind(after)
        .bind(limit)
        .fetch_all(connection)
        .await;
    collect(rows, decode::declared_part)
}

/// Decodes a row of `event` and checks its id. All reads of events use this function.
fn stored_event(row: &Columns<'_>) -> Result<DatasetEvent, CorruptColumn> {
    const ID: &str = "event.event_id";
    let event = decode::event(row)?;
    if row.uuid(ID)? == event.event_id {
        Ok(event)
    } else {
        Err(CorruptColumn(ID))
    }
}

fn collect<T, C: FromIterator<T>>(
    rows: Result<Vec<SqliteRow>, sqlx::Error>,
    decode: impl Fn(&Columns<'_>) -> Result<T, CorruptColumn>,
) -> Result<C, CatalogError> {
    let rows = rows.map_err(read_error)?;
    let decoded = rows.iter().map(|row| decode(&Columns(row)));
    Ok(decoded.collect::<Result<C, _>>()?)
}

/// Every statement here, except the relay's, which are [`outbox::ALL`].
#[cfg(test)]
pub(super) const ALL: &[&str] = &[
    ASSET,
    facts::FACTS_OF,
    facts::LATEST,
    facts::UNFINISHED,
    CONTENT,
    DOWNLOAD,
    INTENTS,
    KEY,
    REGISTERED,
    EVENTS_OF,
    EVENTS_AFTER,
    EVENTS_OF_TYPES,
    TOTALS,
    KNOWN_DIGEST,
    DECLARED_PARTS,
    lists::LAST_SEQUENCE,
];
