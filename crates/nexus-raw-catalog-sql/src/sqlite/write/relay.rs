use nexus_raw::{
    ports::{CatalogError, Lease, ParkedEvent, Progress, ProgressChange, SinkName},
    tenancy::{Environment, Scope, TenantId},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use crate::{
    backend::WriteError,
    error::CorruptColumn,
    rows::Columns,
    sqlite::{fault::write_error, parameters::rows_json},
    writer::{LeaseRequest, RetryRequest, cursors},
};

const LEASE: &str = "
    INSERT INTO lease (name, owner, epoch, until) VALUES ('relay', ?1, 1, ?2)
    ON CONFLICT (name) DO UPDATE SET
        owner = excluded.owner,
        epoch = epoch + (owner <> excluded.owner),
        until = excluded.until
    WHERE owner = excluded.owner OR until <= ?3
    RETURNING epoch, until";

/// Acquires or renews the relay's lease.
pub(super) async fn lease(
    connection: &mut SqliteConnection,
    request: &LeaseRequest,
) -> Result<Option<Lease>, WriteError> {
    let row = sqlx::query(LEASE)
        .bind(&request.owner.as_bytes()[..])
        .bind(request.now.saturating_add(request.ttl).as_micros())
        .bind(request.now.as_micros())
        .fetch_optional(connection)
        .await
        .map_err(write_error)?;
    let lease = row.map(|row| read_lease(&row)).transpose();
    Ok(lease.map_err(CatalogError::from)?)
}

fn read_lease(row: &SqliteRow) -> Result<Lease, CorruptColumn> {
    let row = Columns(row);
    Ok(Lease {
        epoch: row.unsigned("lease.epoch")?,
        until: row.timestamp("lease.until")?,
    })
}

const DELIVERED: &str = "
    INSERT INTO delivery (tenant_id, env, sink, cursor)
    SELECT value ->> 0, value ->> 1, ?2, value ->> 2 FROM json_each(?1) WHERE true
    ON CONFLICT (tenant_id, env, sink) DO UPDATE SET cursor = excluded.cursor
    WHERE excluded.cursor > cursor";

/// Advances cursors and parks or unparks an event, if the epoch is the lease's current one.
pub(super) async fn progress(
    connection: &mut SqliteConnection,
    progress: &Progress,
) -> Result<bool, WriteError> {
    let epoch: Option<i64> = sqlx::query_scalar("SELECT epoch FROM lease WHERE name = 'relay'")
        .fetch_optional(&mut *connection)
        .await
        .map_err(write_error)?;
    if epoch.map(i64::cast_unsigned) != Some(progress.epoch) {
        return Ok(false);
    }
    deliver(connection, &progress.sink, cursors(&progress.change)).await?;
    match &progress.change {
        ProgressChange::Delivered(_) => {}
        ProgressChange::Parked(event) => park(connection, &progress.sink, event).await?,
        ProgressChange::Retried { scope, sequence } => {
            unpark(connection, &progress.sink, scope, *sequence).await?;
        }
    }
    Ok(true)
}

/// Advances cursors of a sink.
pub(in crate::sqlite) async fn deliver<'a>(
    connection: &mut SqliteConnection,
    sink: &SinkName,
    cursors: impl IntoIterator<Item = (&'a Scope, u64)>,
) -> Result<(), WriteError> {
    let rows = cursors.into_iter();
    let rows = rows.map(|(scope, cursor)| (&scope.tenant, &scope.environment, cursor));
    let done = sqlx::query(DELIVERED)
        .bind(rows_json(rows))
        .bind(sink.as_str())
        .execute(connection)
        .await;
    done.map(|_| ()).map_err(write_error)
}

// An event that is already parked stays unchanged, unless it was marked for a retry.
const PARK: &str = "
    INSERT INTO parked_event (tenant_id, env, sink, sequence, reason, parked_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT DO UPDATE SET
        reason = excluded.reason, parked_at = excluded.parked_at, retry_asked_at = NULL
    WHERE retry_asked_at IS NOT NULL";

async fn park(
    connection: &mut SqliteConnection,
    sink: &SinkName,
    parked: &ParkedEvent,
) -> Result<(), WriteError> {
    let done = sqlx::query(PARK)
        .bind(parked.scope.tenant.as_str())
        .bind(parked.scope.environment.as_str())
        .bind(sink.as_str())
        .bind(parked.sequence.cast_signed())
        .bind(&parked.reason)
        .bind(parked.parked_at.as_micros())
        .execute(connection)
        .await;
    done.map(|_| ()).map_err(write_error)
}

const UNPARK: &str = "
    DELETE FROM parked_event
    WHERE tenant_id = ?1 AND env = ?2 AND sink = ?3 AND sequence = ?4";

async fn unpark(
    connection: &mut SqliteConnection,
    sink: &SinkName,
    scope: &Scope,
    sequence: u64,
) -> Result<(), WriteError> {
    let done = sqlx::query(UNPARK)
        .bind(scope.tenant.as_str())
        .bind(scope.environment.as_str())
        .bind(sink.as_str())
        .bind(sequence.cast_signed())
        .execute(connection)
        .await;
    done.map(|_| ()).map_err(write_error)
}

const ASK_RETRY: &str = "
    UPDATE parked_event SET retry_asked_at = ?5
    WHERE (?1 IS NULL OR sink = ?1) AND (?2 IS NULL OR tenant_id = ?2)
        AND (?3 IS NULL OR env = ?3) AND (?4 IS NULL OR sequence = ?4)";

/// Marks parked events for a retry and returns their number.
pub(super) async fn ask_retry(
    connection: &mut SqliteConnection,
    RetryRequest { filter, now }: &RetryRequest,
) -> Result<u64, WriteError> {
    let done = sqlx::query(ASK_RETRY)
        .bind(filter.sink.as_ref().map(SinkName::as_str))
        .bind(filter.tenant.as_ref().map(TenantId::as_str))
        .bind(filter.environment.as_ref().map(Environment::as_str))
        .bind(filter.sequence.map(u64::cast_signed))
        .bind(now.as_micros())
        .execute(connection)
        .await
        .map_err(write_error)?;
    Ok(done.rows_affected())
}
