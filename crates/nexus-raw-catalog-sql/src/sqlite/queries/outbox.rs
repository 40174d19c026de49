//! Reads of the relay, and of operators about parked events.

use nexus_raw::{
    event::DatasetEvent,
    ports::{Backlog, CatalogError, KeptEvent, ParkedFilter, SinkName},
    tenancy::{Environment, Scope, TenantId},
    time::Timestamp,
};
use rusqlite::params;

use super::stored_event;
use crate::{
    rows::decode,
    sqlite::{connection::SqliteConnection, fault::read_error, parameters::rows_json},
};

/// The scopes with undelivered events for sink `?1`, as `behind`.
macro_rules! with_behind {
    ($rest:literal) => {
        concat!(
            "WITH behind AS (
                SELECT s.tenant_id, s.env, coalesce(d.cursor, 0) AS cursor, s.last_sequence
                FROM scope s
                LEFT JOIN delivery d
                    ON d.tenant_id = s.tenant_id AND d.env = s.env AND d.sink = ?1
                WHERE s.last_sequence > coalesce(d.cursor, 0)
            )",
            $rest
        )
    };
}

// Each scope gets an equal share of the limit. If there are more scopes than the limit, those whose
// first event is oldest come first, so no scope starves. Sequences have no gaps, so the distance to
// the cursor is a number of events.
const UNDELIVERED: &str = concat!(
    with_behind!(
        ",
        turn AS (
            SELECT b.tenant_id, b.env, b.cursor, e.occurred_at AS waiting_since
            FROM behind b
            CROSS JOIN event e ON e.tenant_id = b.tenant_id AND e.env = b.env
                AND e.sequence = b.cursor + 1
            WHERE NOT EXISTS (
                SELECT 1 FROM json_each(?3) h
                WHERE h.value ->> 0 = b.tenant_id AND h.value ->> 1 = b.env)
            ORDER BY waiting_since, b.tenant_id, b.env
            LIMIT ?2
        ),
        share AS (SELECT (?2 + count(*) - 1) / max(count(*), 1) AS events FROM turn)
        SELECT "
    ),
    event_columns!(),
    " FROM share CROSS JOIN turn t
    CROSS JOIN event e ON e.tenant_id = t.tenant_id AND e.env = t.env
        AND e.sequence > t.cursor AND e.sequence <= t.cursor + share.events
    ORDER BY e.sequence - t.cursor, t.waiting_since, t.tenant_id, t.env
    LIMIT ?2"
);

/// The time of the oldest event in `behind`, as a value.
///
/// An event's time precedes its commit by at most the seconds that a commit may take. So an event
/// after the first hundred can be older than these only by those seconds, which is small against
/// the 900 s from which a lag counts. Reading all events would cost more the longer a sink is down.
macro_rules! oldest {
    () => {
        "(SELECT min(e.occurred_at) FROM behind b
            CROSS JOIN event e ON e.tenant_id = b.tenant_id AND e.env = b.env
                AND e.sequence > b.cursor AND e.sequence <= b.cursor + 100
        ) AS occurred_at"
    };
}

const OLDEST_UNDELIVERED: &str = concat!(with_behind!(" SELECT "), oldest!());

// Sequences have no gaps, so the difference to the cursor is the count.
const BACKLOG: &str = concat!(
    with_behind!(" SELECT "),
    oldest!(),
    ",
        (SELECT coalesce(sum(b.last_sequence - b.cursor), 0) FROM behind b
        ) AS undelivered,
        (SELECT count(*) FROM scope s
            CROSS JOIN parked_event p ON p.tenant_id = s.tenant_id AND p.env = s.env
                AND p.sink = ?1
        ) AS parked"
);

const RETRIES: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM parked_event p INDEXED BY parked_event_to_retry
    CROSS JOIN event e ON e.tenant_id = p.tenant_id AND e.env = p.env AND e.sequence = p.sequence
    WHERE p.sink = ?1 AND p.retry_asked_at IS NOT NULL
    ORDER BY p.tenant_id, p.env, p.sequence
    LIMIT ?2"
);

// An operator's read, which is rare and may scan.
const PARKED: &str = "
    SELECT p.* FROM parked_event p
    WHERE (?1 IS NULL OR p.sink = ?1) AND (?2 IS NULL OR p.tenant_id = ?2)
        AND (?3 IS NULL OR p.env = ?3) AND (?4 IS NULL OR p.sequence = ?4)
    ORDER BY p.sink, p.tenant_id, p.env, p.sequence
    LIMIT ?5";

pub(in crate::sqlite) fn undelivered(
    connection: &mut SqliteConnection,
    sink: &SinkName,
    limit: u32,
    held: &[Scope],
) -> Result<Vec<DatasetEvent>, CatalogError> {
    let held = held.iter().map(|it| (&it.tenant, &it.environment));
    let of = params![sink.as_str(), limit, rows_json(held)];
    let events = connection.rows(UNDELIVERED, of, stored_event);
    events.map_err(read_error)
}

pub(in crate::sqlite) fn retries(
    connection: &mut SqliteConnection,
    sink: &SinkName,
    limit: u32,
) -> Result<Vec<DatasetEvent>, CatalogError> {
    let of = params![sink.as_str(), limit];
    let events = connection.rows(RETRIES, of, stored_event);
    events.map_err(read_error)
}

pub(in crate::sqlite) fn parked(
    connection: &mut SqliteConnection,
    filter: &ParkedFilter,
    limit: u32,
) -> Result<Vec<KeptEvent>, CatalogError> {
    let of = params![
        filter.sink.as_ref().map(SinkName::as_str),
        filter.tenant.as_ref().map(TenantId::as_str),
        filter.environment.as_ref().map(Environment::as_str),
        filter.sequence.map(u64::cast_signed),
        limit,
    ];
    let events = connection.rows(PARKED, of, decode::kept_event);
    events.map_err(read_error)
}

pub(in crate::sqlite) fn oldest_undelivered(
    connection: &mut SqliteConnection,
    sink: &SinkName,
) -> Result<Option<Timestamp>, CatalogError> {
    let oldest = connection.only(OLDEST_UNDELIVERED, [sink.as_str()], decode::oldest);
    oldest.map_err(read_error)
}

pub(in crate::sqlite) fn backlog(
    connection: &mut SqliteConnection,
    sink: &SinkName,
) -> Result<Backlog, CatalogError> {
    let backlog = connection.only(BACKLOG, [sink.as_str()], decode::backlog);
    backlog.map_err(read_error)
}

/// Every frequent statement here.
#[cfg(test)]
pub(in crate::sqlite) const ALL: &[&str] = &[UNDELIVERED, OLDEST_UNDELIVERED, BACKLOG, RETRIES];
