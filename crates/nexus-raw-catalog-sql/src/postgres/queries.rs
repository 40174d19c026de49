//! The questions, each one call of a function, on any connection.

use nexus_raw::{
    asset::{AssetId, RawAsset, Sha256Digest},
    event::DatasetEvent,
    ports::{
        Backlog, CallerKey, IntentState, KeptEvent, OpenIntents, ParkedFilter, PinnedObject,
        SinkName, StandingKey,
    },
    tenancy::{Environment, Scope, TenantId},
    time::Timestamp,
};
use sqlx::{
    PgConnection, Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use super::fault;
use crate::{
    error::CorruptColumn,
    rows::{Columns, decode},
};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Corrupt(#[from] CorruptColumn),
}

impl From<QueryError> for nexus_raw::ports::CatalogError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Database(error) => fault::told(error),
            QueryError::Corrupt(column) => column.into(),
        }
    }
}

type Question<'q> = Query<'q, Postgres, PgArguments>;

/// A question about one scope.
fn about<'q>(scope: &'q Scope, sql: &'static str) -> Question<'q> {
    sqlx::query(sql)
        .bind(scope.tenant.as_str())
        .bind(scope.environment.as_str())
}

fn id(asset: AssetId) -> String {
    asset.to_string()
}

pub(super) async fn intent(
    connection: &mut PgConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<IntentState>, QueryError> {
    let row = about(
        scope,
        "SELECT (r.intent).*, (r.asset).* FROM intent_v1($1, $2, $3::uuid) r",
    )
    .bind(id(asset))
    .fetch_optional(connection)
    .await?;
    let state = row.map(|row| decode::intent_state(&Columns(&row)));
    Ok(state.transpose()?.map(|(_, state)| state))
}

/// What a caller's key stands for.
pub(super) async fn standing_key(
    connection: &mut PgConnection,
    key: &CallerKey,
    now: Timestamp,
) -> Result<Option<StandingKey>, QueryError> {
    let row = about(&key.scope, "SELECT * FROM key_v1($1, $2, $3, $4, $5, $6)")
        .bind(key.user.as_str())
        .bind(key.route.as_str())
        .bind(key.key.digest().to_string())
        .bind(now.as_micros())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let (body_digest, asset) = {
        let row = Columns(&row);
        let body_digest = row.digest("idempotency.body_digest")?;
        (body_digest, row.asset_id("idempotency.asset_id")?)
    };
    // an intent is never deleted, so it may be read after the key
    let state = intent(connection, &key.scope, asset).await?;
    let state = state.ok_or(CorruptColumn("idempotency.asset_id"))?;
    Ok(Some(StandingKey { body_digest, state }))
}

pub(super) async fn asset(
    connection: &mut PgConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<RawAsset>, QueryError> {
    let row = about(scope, "SELECT * FROM asset_v1($1, $2, $3::uuid)")
        .bind(id(asset))
        .fetch_optional(connection)
        .await?;
    let asset = row.map(|row| decode::asset(&Columns(&row)));
    Ok(asset.transpose()?)
}

/// The places of those that are not registered.
pub(super) async fn unknown_parents(
    connection: &mut PgConnection,
    scope: &Scope,
    parents: &[AssetId],
) -> Result<Vec<usize>, QueryError> {
    let ids: Vec<String> = parents.iter().map(|parent| id(*parent)).collect();
    let places: Vec<i64> =
        sqlx::query_scalar("SELECT * FROM unknown_parents_v1($1, $2, $3::uuid[])")
            .bind(scope.tenant.as_str())
            .bind(scope.environment.as_str())
            .bind(ids)
            .fetch_all(connection)
            .await?;
    let places = places.into_iter().map(usize::try_from);
    let places = places.collect::<Result<_, _>>();
    places.map_err(|_| CorruptColumn("asset.asset_id").into())
}

pub(super) async fn events_of(
    connection: &mut PgConnection,
    catalog_id: Uuid,
    scope: &Scope,
    asset: AssetId,
    after: u64,
    limit: u32,
) -> Result<Vec<DatasetEvent>, QueryError> {
    // beyond the largest number of PostgreSQL there is no event
    let Ok(after) = i64::try_from(after) else {
        return Ok(Vec::new());
    };
    let rows = about(
        scope,
        "SELECT * FROM events_of_v1($1, $2, $3::uuid, $4, $5)",
    )
    .bind(id(asset))
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    events(&rows, catalog_id)
}

/// The events above a sequence, from there on without a gap.
pub(super) async fn events_after(
    connection: &mut PgConnection,
    catalog_id: Uuid,
    scope: &Scope,
    after: u64,
    limit: u32,
) -> Result<Vec<DatasetEvent>, QueryError> {
    // beyond the largest number of PostgreSQL there is no event
    let Ok(after) = i64::try_from(after) else {
        return Ok(Vec::new());
    };
    let rows = about(scope, "SELECT * FROM events_after_v1($1, $2, $3, $4)")
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
    events(&rows, catalog_id)
}

pub(super) async fn open_intents(connection: &mut PgConnection) -> Result<OpenIntents, QueryError> {
    let row = sqlx::query("SELECT * FROM open_intents_v1()")
        .fetch_one(connection)
        .await?;
    let row = Columns(&row);
    Ok(OpenIntents {
        count: row.unsigned("scope.open_count")?,
        bytes: row.unsigned("scope.open_bytes")?,
    })
}

pub(super) async fn undelivered(
    connection: &mut PgConnection,
    catalog_id: Uuid,
    sink: &SinkName,
    limit: u32,
    held: &[Scope],
) -> Result<Vec<DatasetEvent>, QueryError> {
    let held: Vec<_> = held
        .iter()
        .map(|it| (&it.tenant, &it.environment))
        .collect();
    let rows = sqlx::query("SELECT * FROM undelivered_v1($1, $2, $3::json)")
        .bind(sink.as_str())
        .bind(i64::from(limit))
        // pairs of texts cannot fail
        .bind(serde_json::to_string(&held).unwrap_or_default())
        .fetch_all(connection)
        .await?;
    events(&rows, catalog_id)
}

pub(super) async fn retries(
    connection: &mut PgConnection,
    catalog_id: Uuid,
    sink: &SinkName,
    limit: u32,
) -> Result<Vec<DatasetEvent>, QueryError> {
    let rows = sqlx::query("SELECT * FROM retries_v1($1, $2)")
        .bind(sink.as_str())
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
    events(&rows, catalog_id)
}

pub(super) async fn parked(
    connection: &mut PgConnection,
    filter: &ParkedFilter,
    limit: u32,
) -> Result<Vec<KeptEvent>, QueryError> {
    let rows = sqlx::query("SELECT * FROM parked_v1($1, $2, $3, $4, $5)")
        .bind(filter.sink.as_ref().map(SinkName::as_str))
        .bind(filter.tenant.as_ref().map(TenantId::as_str))
        .bind(filter.environment.as_ref().map(Environment::as_str))
        .bind(filter.sequence.map(u64::cast_signed))
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
    let kept = rows.iter().map(|row| decode::kept_event(&Columns(row)));
    Ok(kept.collect::<Result<_, _>>()?)
}

fn events(rows: &[PgRow], catalog_id: Uuid) -> Result<Vec<DatasetEvent>, QueryError> {
    let events = rows
        .iter()
        .map(|row| decode::event(&Columns(row), catalog_id));
    Ok(events.collect::<Result<_, _>>()?)
}

pub(super) async fn oldest_undelivered(
    connection: &mut PgConnection,
    sink: &SinkName,
) -> Result<Option<Timestamp>, QueryError> {
    let oldest: Option<i64> = sqlx::query_scalar("SELECT oldest_undelivered_v1($1)")
        .bind(sink.as_str())
        .fetch_one(connection)
        .await?;
    let oldest = oldest.map(Timestamp::from_micros).transpose();
    oldest.map_err(|_| CorruptColumn("event.occurred_at").into())
}

pub(super) async fn backlog(
    connection: &mut PgConnection,
    sink: &SinkName,
) -> Result<Backlog, QueryError> {
    let row = sqlx::query("SELECT * FROM backlog_v1($1)")
        .bind(sink.as_str())
        .fetch_one(connection)
        .await?;
    Ok(decode::backlog(&Columns(&row))?)
}

pub(super) async fn known_digest(
    connection: &mut PgConnection,
    object: &PinnedObject,
) -> Result<Option<Sha256Digest>, QueryError> {
    let row = about(
        &object.scope,
        r#"SELECT d AS "object_digest.sha256" FROM known_digest_v1($1, $2, $3::uuid, $4, $5) d"#,
    )
    .bind(id(object.asset_id))
    .bind(object.etag.as_str())
    .bind(object.version_id.as_deref())
    .fetch_optional(connection)
    .await?;
    let digest = row.map(|row| Columns(&row).digest("object_digest.sha256"));
    Ok(digest.transpose()?)
}

pub(super) async fn ready(connection: &mut PgConnection) -> Result<(), QueryError> {
    let ready = sqlx::query("SELECT FROM catalog").fetch_one(connection);
    Ok(ready.await.map(|_| ())?)
}
