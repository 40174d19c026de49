use nexus_raw::{event::DatasetEvent, tenancy::Scope};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::{
    backend::WriteError,
    commitment::CommittedBody,
    sqlite::{fault::write_error, parameters::rows_json},
};

/// An event and its place.
pub(super) struct PlacedEvent<'a> {
    pub(super) scope: &'a Scope,
    pub(super) sequence: i64,
    pub(super) event: &'a CommittedBody,
}

const INSERT: &str = "
    WITH row AS MATERIALIZED (SELECT value FROM json_each(?1))
    INSERT INTO event (
        tenant_id, env, sequence, event_id, asset_id, event_type, occurred_at,
        salt, commitment, body
    )
    SELECT
        value ->> 0, value ->> 1, value ->> 2, unhex(value ->> 3), unhex(value ->> 4),
        value ->> 5, value ->> 6, unhex(value ->> 7), unhex(value ->> 8), value ->> 9
    FROM row";

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    catalog_id: Uuid,
    events: &[PlacedEvent<'_>],
) -> Result<(), WriteError> {
    let rows = events.iter().map(|it| {
        let event_id = DatasetEvent::id_at(catalog_id, it.scope, it.sequence.unsigned_abs());
        (
            &it.scope.tenant,
            &it.scope.environment,
            it.sequence,
            event_id.simple(),
            it.event.asset_id.as_uuid().simple(),
            it.event.event_type,
            it.event.occurred_at.as_micros(),
            hex::encode(it.event.salt),
            hex::encode(it.event.commitment),
            &it.event.body,
        )
    });
    let inserted = sqlx::query(INSERT)
        .bind(rows_json(rows))
        .execute(connection)
        .await;
    inserted.map(|_| ()).map_err(write_error)
}
