use nexus_raw::{event::DatasetEvent, tenancy::Scope};
use rusqlite::params;
use uuid::Uuid;

use crate::{
    backend::WriteError,
    sealed::SealedEvent,
    sqlite::{connection::SqliteConnection, fault::write_error},
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
    INSERT INTO event (
        tenant_id, env, sequence, event_id, asset_id, event_type, occurred_at,
        facts_salt, facts, facts_digest, personal_salt, personal, personal_digest
    )
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

pub(super) fn insert(
    connection: &mut SqliteConnection,
    events: &[SequencedEvent<'_>],
) -> Result<(), WriteError> {
    for it in events {
        let SealedEvent {
            body,
            facts,
            personal,
        } = it.event;
        let row = params![
            it.scope.tenant.as_str(),
            it.scope.environment.as_str(),
            it.sequence,
            it.id().into_bytes(),
            body.asset_id.as_uuid().into_bytes(),
            body.event_type.as_str(),
            body.occurred_at.as_micros(),
            facts.salt,
            facts.text,
            facts.digest,
            personal.salt,
            personal.text,
            personal.digest,
        ];
        connection.execute(INSERT, row).map_err(write_error)?;
    }
    Ok(())
}
