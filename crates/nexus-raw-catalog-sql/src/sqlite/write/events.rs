use nexus_raw::{
    event::{DatasetEvent, EventType},
    tenancy::{Environment, Scope, TenantId},
};
use serde::Serialize;
use sqlx::SqliteConnection;
use uuid::{Uuid, fmt::Simple};

use crate::{
    backend::WriteError,
    sealed::SealedEvent,
    sqlite::{fault::write_error, parameters::rows_json},
};

/// An event with its scope, log and sequence.
pub(super) struct SequencedEvent<'a> {
    pub(super) scope: &'a Scope,
    pub(super) log_id: Uuid,
    pub(super) sequence: i64,
    pub(super) event: &'a SealedEvent,
}

impl SequencedEvent<'_> {
    fn id(&self) -> Uuid {
        DatasetEvent::id_at(self.log_id, self.sequence.unsigned_abs())
    }

    /// Returns it as a read of its row would.
    pub(super) fn committed(&self) -> DatasetEvent {
        DatasetEvent {
            event_id: self.id(),
            sequence: self.sequence.unsigned_abs(),
            body: self.event.body.clone(),
        }
    }
}

const INSERT: &str = "
    WITH row AS MATERIALIZED (SELECT value FROM json_each(?1))
    INSERT INTO event (
        tenant_id, env, sequence, event_id, asset_id, event_type, occurred_at,
        facts_salt, facts, facts_digest, personal_salt, personal, personal_digest
    )
    SELECT
        value ->> 'tenant_id', value ->> 'env', value ->> 'sequence',
        unhex(value ->> 'event_id'), unhex(value ->> 'asset_id'), value ->> 'event_type',
        value ->> 'occurred_at',
        unhex(value ->> 'facts_salt'), value ->> 'facts', unhex(value ->> 'facts_digest'),
        unhex(value ->> 'personal_salt'), value ->> 'personal',
        unhex(value ->> 'personal_digest')
    FROM row";

#[derive(Serialize)]
struct EventRow<'a> {
    tenant_id: &'a TenantId,
    env: &'a Environment,
    sequence: i64,
    event_id: Simple,
    asset_id: Simple,
    event_type: EventType,
    occurred_at: i64,
    facts_salt: String,
    facts: &'a str,
    facts_digest: String,
    personal_salt: String,
    personal: &'a str,
    personal_digest: String,
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    events: &[SequencedEvent<'_>],
) -> Result<(), WriteError> {
    let rows = events.iter().map(|it| {
        let SealedEvent {
            body,
            facts,
            personal,
        } = it.event;
        EventRow {
            tenant_id: &it.scope.tenant,
            env: &it.scope.environment,
            sequence: it.sequence,
            event_id: it.id().simple(),
            asset_id: body.asset_id.as_uuid().simple(),
            event_type: body.event_type,
            occurred_at: body.occurred_at.as_micros(),
            facts_salt: hex::encode(facts.salt),
            facts: &facts.text,
            facts_digest: hex::encode(facts.digest),
            personal_salt: hex::encode(personal.salt),
            personal: &personal.text,
            personal_digest: hex::encode(personal.digest),
        }
    });
    let inserted = sqlx::query(INSERT)
        .bind(rows_json(rows))
        .execute(connection)
        .await;
    inserted.map(|_| ()).map_err(write_error)
}
