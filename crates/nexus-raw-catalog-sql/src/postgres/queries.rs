//! The questions, each one call of a function, on any connection.

use nexus_raw::{
    asset::{AssetId, RawAsset, Sha256Digest},
    event::DatasetEvent,
    ports::{
        Backlog, CallerKey, EventQuery, IntentState, KeptEvent, OpenIntents, ParkedFilter,
        PinnedObject, SinkName, StandingKey,
    },
    tenancy::{Environment, Scope, TenantId},
    time::Timestamp,
};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    fault,
    session::ReadOnly,
    statement::{Argument, call, read, rows},
};
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
    #[error(transparent)]
    ReadOnly(#[from] ReadOnly),
}

impl From<QueryError> for nexus_raw::ports::CatalogError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Database(error) => fault::told(error),
            QueryError::Corrupt(column) => column.into(),
            QueryError::ReadOnly(error) => Self::Unavailable(Box::new(error)),
        }
    }
}

/// Asks one of our functions about one scope.
async fn about(
    connection: &mut PgConnection,
    scope: &Scope,
    select: &str,
    arguments: &[&dyn Argument],
) -> Result<Vec<PgRow>, sqlx::Error> {
    let (tenant, environment) = (scope.tenant.as_str(), scope.environment.as_str());
    let mut all: Vec<&dyn Argument> = vec![&tenant, &environment];
    all.extend(arguments);
    read(connection, &call(select, &all)).await
}

/// The one row of a function that always has one.
fn only(mut rows: Vec<PgRow>) -> Result<PgRow, sqlx::Error> {
    rows.pop().ok_or(sqlx::Error::RowNotFound)
}

pub(super) async fn intent(
    connection: &mut PgConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<IntentState>, QueryError> {
    let select = "SELECT (r.intent).*, (r.asset).* FROM intent_v1";
    let (tenant, environment) = (scope.tenant.as_str(), scope.environment.as_str());
    let question = call(select, &[&tenant, &environment, &asset.to_string()]) + " r";
    let rows = read(connection, &question).await?;
    let state = rows.first().map(|row| decode::intent_state(&Columns(row)));
    Ok(state.transpose()?.map(|(_, state)| state))
}

/// What a caller's key stands for.
pub(super) async fn standing_key(
    connection: &mut PgConnection,
    key: &CallerKey,
    now: Timestamp,
) -> Result<Option<StandingKey>, QueryError> {
    let (user, route) = (key.user.as_str(), key.route.as_str());
    let digest = key.key.digest().to_string();
    let arguments: [&dyn Argument; 4] = [&user, &route, &digest, &now.as_micros()];
    let select = "SELECT * FROM key_v1";
    let rows = about(connection, &key.scope, select, &arguments).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let (body_digest, asset) = {
        let row = Columns(row);
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
    let id = asset.to_string();
    let rows = about(connection, scope, "SELECT * FROM asset_v1", &[&id]).await?;
    let asset = rows.first().map(|row| decode::asset(&Columns(row)));
    Ok(asset.transpose()?)
}

/// The places of those that are not registered.
pub(super) async fn unknown_parents(
    connection: &mut PgConnection,
    scope: &Scope,
    parents: &[AssetId],
) -> Result<Vec<usize>, QueryError> {
    let ids: Vec<String> = parents.iter().map(ToString::to_string).collect();
    let ids = format!("{{{}}}", ids.join(","));
    let select = "SELECT * FROM unknown_parents_v1";
    let rows = about(connection, scope, select, &[&ids]).await?;
    let places: Result<Vec<i64>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    let places = places?.into_iter().map(usize::try_from);
    let places = places.collect::<Result<_, _>>();
    places.map_err(|_| CorruptColumn("asset.asset_id").into())
}

pub(super) async fn events(
    connection: &mut PgConnection,
    catalog_id: Uuid,
    scope: &Scope,
    query: &EventQuery,
) -> Result<Vec<DatasetEvent>, QueryError> {
    // beyond the largest number of PostgreSQL there is no event
    let Ok(after) = i64::try_from(query.after) else {
        return Ok(Vec::new());
    };
    let limit = i64::from(query.limit);
    let asset = query.asset.map(|asset| asset.to_string());
    let rows = match asset {
        Some(id) => {
            let select = "SELECT * FROM events_of_v1";
            about(connection, scope, select, &[&id, &after, &limit]).await?
        }
        None => {
            let select = "SELECT * FROM events_after_v1";
            about(connection, scope, select, &[&after, &limit]).await?
        }
    };
    decoded(&rows, catalog_id)
}

pub(super) async fn open_intents(connection: &mut PgConnection) -> Result<OpenIntents, QueryError> {
    let row = only(read(connection, "SELECT * FROM open_intents_v1()").await?)?;
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
    // pairs of texts cannot fail
    let held = serde_json::to_string(&held).unwrap_or_default();
    let arguments: [&dyn Argument; 3] = [&sink.as_str(), &i64::from(limit), &held];
    let rows = read(
        connection,
        &call("SELECT * FROM undelivered_v1", &arguments),
    )
    .await?;
    decoded(&rows, catalog_id)
}

pub(super) async fn retries(
    connection: &mut PgConnection,
    catalog_id: Uuid,
    sink: &SinkName,
    limit: u32,
) -> Result<Vec<DatasetEvent>, QueryError> {
    let arguments: [&dyn Argument; 2] = [&sink.as_str(), &i64::from(limit)];
    let rows = read(connection, &call("SELECT * FROM retries_v1", &arguments)).await?;
    decoded(&rows, catalog_id)
}

pub(super) async fn parked(
    connection: &mut PgConnection,
    filter: &ParkedFilter,
    limit: u32,
) -> Result<Vec<KeptEvent>, QueryError> {
    let arguments: [&dyn Argument; 5] = [
        &filter.sink.as_ref().map(SinkName::as_str),
        &filter.tenant.as_ref().map(TenantId::as_str),
        &filter.environment.as_ref().map(Environment::as_str),
        &filter.sequence.map(u64::cast_signed),
        &i64::from(limit),
    ];
    let rows = read(connection, &call("SELECT * FROM parked_v1", &arguments)).await?;
    let kept = rows.iter().map(|row| decode::kept_event(&Columns(row)));
    Ok(kept.collect::<Result<_, _>>()?)
}

fn decoded(rows: &[PgRow], catalog_id: Uuid) -> Result<Vec<DatasetEvent>, QueryError> {
    let events = rows
        .iter()
        .map(|row| decode::event(&Columns(row), catalog_id));
    Ok(events.collect::<Result<_, _>>()?)
}

pub(super) async fn oldest_undelivered(
    connection: &mut PgConnection,
    sink: &SinkName,
) -> Result<Option<Timestamp>, QueryError> {
    let question = call("SELECT oldest_undelivered_v1", &[&sink.as_str()]);
    let oldest: Option<i64> = only(read(connection, &question).await?)?.try_get(0)?;
    let oldest = oldest.map(Timestamp::from_micros).transpose();
    oldest.map_err(|_| CorruptColumn("event.occurred_at").into())
}

pub(super) async fn backlog(
    connection: &mut PgConnection,
    sink: &SinkName,
) -> Result<Backlog, QueryError> {
    let question = call("SELECT * FROM backlog_v1", &[&sink.as_str()]);
    let row = only(read(connection, &question).await?)?;
    Ok(decode::backlog(&Columns(&row))?)
}

pub(super) async fn known_digest(
    connection: &mut PgConnection,
    object: &PinnedObject,
) -> Result<Option<Sha256Digest>, QueryError> {
    let id = object.asset_id.to_string();
    let (etag, version) = (object.etag.as_str(), object.version_id.as_deref());
    let arguments: [&dyn Argument; 3] = [&id, &etag, &version];
    let select = r#"SELECT known_digest_v1 AS "object_digest.sha256" FROM known_digest_v1"#;
    let rows = about(connection, &object.scope, select, &arguments).await?;
    let digest = rows
        .first()
        .map(|row| Columns(row).digest("object_digest.sha256"));
    Ok(digest.transpose()?)
}

/// Whether there is a catalogue, and it takes writes.
pub(super) async fn ready(connection: &mut PgConnection) -> Result<(), QueryError> {
    let question = "SELECT current_setting('transaction_read_only')::boolean FROM catalog";
    let row = only(rows(connection, question.to_owned()).await?)?;
    if row.try_get(0)? {
        return Err(ReadOnly.into());
    }
    Ok(())
}
