use nexus_raw::{
    ports::{Lease, ParkedEvent, Progress, ProgressChange, SinkName},
    tenancy::{Environment, Scope, TenantId},
};
use rusqlite::params;

use crate::{
    backend::WriteError,
    sqlite::{connection::SqliteConnection, fault::write_error},
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
pub(super) fn lease(
    connection: &mut SqliteConnection,
    request: &LeaseRequest,
) -> Result<Option<Lease>, WriteError> {
    let wish = params![
        request.owner.as_bytes(),
        request.now.saturating_add(request.ttl).as_micros(),
        request.now.as_micros(),
    ];
    let lease = connection.row(LEASE, wish, |row| {
        Ok(Lease {
            epoch: row.unsigned("lease.epoch")?,
            until: row.timestamp("lease.until")?,
        })
    });
    lease.map_err(write_error)
}

const HELD: &str = "SELECT 1 FROM lease WHERE name = 'relay' AND epoch = ?1";

const DELIVERED: &str = "
    INSERT INTO delivery (tenant_id, env, sink, cursor) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (tenant_id, env, sink) DO UPDATE SET cursor = excluded.cursor
    WHERE excluded.cursor > cursor";

/// Advances cursors and parks or unparks an event, if the epoch is the lease's current one.
pub(super) fn progress(
    connection: &mut SqliteConnection,
    progress: &Progress,
) -> Result<bool, WriteError> {
    let is_held = connection.has_row(HELD, [progress.epoch.cast_signed()]);
    if !is_held.map_err(write_error)? {
        return Ok(false);
    }
    deliver(connection, &progress.sink, cursors(&progress.change))?;
    match &progress.change {
        ProgressChange::Delivered(_) => {}
        ProgressChange::Parked(event) => park(connection, &progress.sink, event)?,
        ProgressChange::Retried { scope, sequence } => {
            unpark(connection, &progress.sink, scope, *sequence)?;
        }
    }
    Ok(true)
}

/// Advances cursors of a sink.
pub(in crate::sqlite) fn deliver<'a>(
    connection: &mut SqliteConnection,
    sink: &SinkName,
    cursors: impl IntoIterator<Item = (&'a Scope, u64)>,
) -> Result<(), WriteError> {
    for (scope, cursor) in cursors {
        let delivered = params![
            scope.tenant.as_str(),
            scope.environment.as_str(),
            sink.as_str(),
            cursor.cast_signed(),
        ];
        let done = connection.execute(DELIVERED, delivered);
        done.map_err(write_error)?;
    }
    Ok(())
}

// An event that is already parked stays unchanged, unless it was marked for a retry.
const PARK: &str = "
    INSERT INTO parked_event (tenant_id, env, sink, sequence, reason, parked_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT DO UPDATE SET
        reason = excluded.reason, parked_at = excluded.parked_at, retry_asked_at = NULL
    WHERE retry_asked_at IS NOT NULL";

fn park(
    connection: &mut SqliteConnection,
    sink: &SinkName,
    parked: &ParkedEvent,
) -> Result<(), WriteError> {
    let row = params![
        parked.scope.tenant.as_str(),
        parked.scope.environment.as_str(),
        sink.as_str(),
        parked.sequence.cast_signed(),
        parked.reason,
        parked.parked_at.as_micros(),
    ];
    connection.execute(PARK, row).map_err(write_error)?;
    Ok(())
}

const UNPARK: &str = "
    DELETE FROM parked_event
    WHERE tenant_id = ?1 AND env = ?2 AND sink = ?3 AND sequence = ?4";

fn unpark(
    connection: &mut SqliteConnection,
    sink: &SinkName,
    scope: &Scope,
    sequence: u64,
) -> Result<(), WriteError> {
    let event = params![
        scope.tenant.as_str(),
        scope.environment.as_str(),
        sink.as_str(),
        sequence.cast_signed(),
    ];
    connection.execute(UNPARK, event).map_err(write_error)?;
    Ok(())
}

const ASK_RETRY: &str = "
    UPDATE parked_event SET retry_asked_at = ?5
    WHERE (?1 IS NULL OR sink = ?1) AND (?2 IS NULL OR tenant_id = ?2)
        AND (?3 IS NULL OR env = ?3) AND (?4 IS NULL OR sequence = ?4)";

/// Marks parked events for a retry and returns their number.
pub(super) fn ask_retry(
    connection: &mut SqliteConnection,
    RetryRequest { filter, now }: &RetryRequest,
) -> Result<u64, WriteError> {
    let filter = params![
        filter.sink.as_ref().map(SinkName::as_str),
        filter.tenant.as_ref().map(TenantId::as_str),
        filter.environment.as_ref().map(Environment::as_str),
        filter.sequence.map(u64::cast_signed),
        now.as_micros(),
    ];
    let marked = connection.execute(ASK_RETRY, filter);
    Ok(u64::try_from(marked.map_err(write_error)?).unwrap_or(u64::MAX))
}
