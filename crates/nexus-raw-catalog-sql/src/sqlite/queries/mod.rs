//! Reads, each one statement, on any connection.
//!
//! In SQLite `CROSS JOIN` fixes the order of a join: the requested keys first, then the tables. A
//! test checks that no statement scans a table that grows with use.

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
use rusqlite::{ToSql, params, params_from_iter, types::ToSqlOutput};

use super::{connection::SqliteConnection, fault::read_error};
use crate::{
    error::CorruptColumn,
    listing::{self, Value},
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

const INTENT: &str = concat!(
    "SELECT 0 AS upload_intent, i.*, i_store.bucket, 0 AS asset, a_store.bucket, ",
    asset_columns!(),
    " FROM upload_intent i
    JOIN object_store i_store ON i_store.object_store_id = i.object_store_id
    LEFT JOIN asset a ON a.tenant_id = i.tenant_id AND a.env = i.env AND a.asset_id = i.asset_id
    LEFT JOIN object_store a_store ON a_store.object_store_id = a.object_store_id
    WHERE i.tenant_id = ?1 AND i.env = ?2 AND i.asset_id = ?3"
);

/// The columns of an intent `i`, with its record, and its tables.
pub(crate) const ENTRIES: &str = concat!(
    "SELECT 0 AS upload_intent, i.*, i_store.bucket, 0 AS asset, a_store.bucket, ",
    asset_columns!(),
    ", 0 AS object_store, i_store.endpoint, i_store.region, i_store.bucket
    FROM upload_intent i
    CROSS JOIN object_store i_store ON i_store.object_store_id = i.object_store_id
    LEFT JOIN asset a ON (a.tenant_id, a.env, a.asset_id) = (i.tenant_id, i.env, i.asset_id)
    LEFT JOIN object_store a_store ON a_store.object_store_id = a.object_store_id"
);

const KEY: &str = "
    SELECT * FROM idempotency
    WHERE tenant_id = ?1 AND env = ?2 AND user_id = ?3 AND route = ?4 AND idempotency_key = ?5
        AND ends_at > ?6";

const REGISTERED: &str = "
    SELECT a.train_ok_effective FROM asset a
    WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = ?3";

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

pub(crate) mod facts;
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

/// Reads an intent with its state.
pub(super) fn intent(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<IntentState>, CatalogError> {
    let state = |row: &Columns<'_>| decode::intent_state(row).map(|(_, state)| state);
    of_asset(connection, INTENT, scope, asset, state)
}

/// Reads an intent with its state, and whether it was closed.
pub(super) fn intent_to_register(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<(IntentState, bool)>, CatalogError> {
    let state = |row: &Columns<'_>| {
        let (_, state) = decode::intent_state(row)?;
        Ok((state, row.get::<&str>("upload_intent.state")? == "ended"))
    };
    of_asset(connection, INTENT, scope, asset, state)
}

/// Reads the request digest and the asset id of an idempotency key.
pub(super) fn key(
    connection: &mut SqliteConnection,
    key: &CallerKey,
    now: Timestamp,
) -> Result<Option<(Sha256Digest, AssetId)>, CatalogError> {
    let of = params![
        key.scope.tenant.as_str(),
        key.scope.environment.as_str(),
        key.user.as_str(),
        key.route,
        key.key.digest().to_string(),
        now.as_micros(),
    ];
    let standing = |row: &Columns<'_>| {
        let body_digest = row.digest("idempotency.body_digest")?;
        Ok((body_digest, row.asset_id("idempotency.asset_id")?))
    };
    connection.row(KEY, of, standing).map_err(read_error)
}

/// Returns whether an asset and all its ancestors allow training, if it is registered.
pub(super) fn registered(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<bool>, CatalogError> {
    let flag = |row: &Columns<'_>| decode::flag(row, "asset.train_ok_effective");
    of_asset(connection, REGISTERED, scope, asset, flag)
}

pub(super) fn asset(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<ListedAsset>, CatalogError> {
    of_asset(connection, ASSET, scope, asset, decode::listed)
}

pub(super) fn train_ok_effective(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<bool>, CatalogError> {
    let flag = |row: &Columns<'_>| decode::flag(row, "asset.effective");
    of_asset(connection, TRAIN_OK_EFFECTIVE, scope, asset, flag)
}

pub(super) fn verification(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<AssetVerification>, CatalogError> {
    of_asset(connection, ASSET, scope, asset, decode::asset_verification)
}

/// Reads the row of one asset, whose key is the parameters of `sql`.
fn of_asset<T>(
    connection: &mut SqliteConnection,
    sql: &'static str,
    scope: &Scope,
    asset: AssetId,
    decode: impl Fn(&Columns<'_>) -> Result<T, CorruptColumn>,
) -> Result<Option<T>, CatalogError> {
    let key = params![
        scope.tenant.as_str(),
        scope.environment.as_str(),
        asset.as_uuid().into_bytes(),
    ];
    connection.row(sql, key, decode).map_err(read_error)
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

pub(super) fn content(
    connection: &mut SqliteConnection,
    scope: &Scope,
    sha256: Sha256Digest,
    size_bytes: ByteSize,
) -> Result<Option<RawAsset>, CatalogError> {
    let content = params![
        scope.tenant.as_str(),
        scope.environment.as_str(),
        sha256.as_bytes(),
        i64::try_from(size_bytes.get()).unwrap_or(i64::MAX),
    ];
    let found = connection.row(CONTENT, content, decode::asset);
    found.map_err(read_error)
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

pub(super) fn download(
    connection: &mut SqliteConnection,
    key: &DownloadKey,
) -> Result<Option<Downloadable>, CatalogError> {
    let of = params![
        key.scope.tenant.as_str(),
        key.scope.environment.as_str(),
        key.asset_id.as_uuid().into_bytes(),
        key.user.as_str(),
        key.disposition.as_str(),
    ];
    let found = connection.row(DOWNLOAD, of, listing::downloadable);
    found.map_err(read_error)
}

const CURSOR_KEY: &str = "SELECT cursor_key FROM catalog";

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Integer(number) => number.to_sql(),
            Self::Bytes(bytes) => bytes.to_sql(),
            Self::Id(id) => Ok(id.as_uuid().into_bytes().to_vec().into()),
        }
    }
}

pub(super) fn cursor_key(connection: &mut SqliteConnection) -> Result<CursorKey, CatalogError> {
    let key = |row: &Columns<'_>| row.bytes("catalog.cursor_key");
    let key = connection.only(CURSOR_KEY, [], key).map_err(read_error)?;
    Ok(CursorKey::new(key))
}

pub(super) fn events(
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
    let of = params![
        scope.tenant.as_str(),
        scope.environment.as_str(),
        after,
        query.limit,
    ];
    let of = of.iter().copied();
    let of = of.chain(selected.iter().map(|it| it as &dyn ToSql));
    let events = connection.rows(sql, params_from_iter(of), stored_event);
    events.map_err(read_error)
}

pub(super) fn totals(connection: &mut SqliteConnection) -> Result<CatalogTotals, CatalogError> {
    let totals = connection.only(TOTALS, [], decode::totals);
    totals.map_err(read_error)
}

pub(super) fn known_digest(
    connection: &mut SqliteConnection,
    object: &PinnedObject,
) -> Result<Option<Sha256Digest>, CatalogError> {
    let of = params![
        object.scope.tenant.as_str(),
        object.scope.environment.as_str(),
        object.asset_id.as_uuid().into_bytes(),
        object.etag,
        object.version_id,
    ];
    let digest = |row: &Columns<'_>| row.digest("object_digest.sha256");
    connection.row(KNOWN_DIGEST, of, digest).map_err(read_error)
}

pub(super) fn declared_parts(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
    after: u16,
    limit: u16,
) -> Result<Vec<DeclaredPart>, CatalogError> {
    let of = params![
        scope.tenant.as_str(),
        scope.environment.as_str(),
        asset.as_uuid().into_bytes(),
        after,
        limit,
    ];
    let parts = connection.rows(DECLARED_PARTS, of, decode::declared_part);
    parts.map_err(read_error)
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

/// Every statement here, except the relay's, which are [`outbox::ALL`].
#[cfg(test)]
pub(super) const ALL: &[&str] = &[
    ASSET,
    facts::FACTS_OF,
    facts::LATEST,
    facts::UNFINISHED,
    CONTENT,
    DOWNLOAD,
    INTENT,
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
