use std::collections::BTreeMap;

use nexus_raw::{
    asset::{RawAsset, UploadIntent},
    ports::CatalogError,
    tenancy::Scope,
};
use rusqlite::params;
use uuid::Uuid;

use super::events::SequencedEvent;

use crate::{
    backend::WriteError,
    sealed::SealedEvent,
    sqlite::{
        connection::SqliteConnection,
        fault::{read_error, write_error},
    },
};

/// The changes of a group to one scope.
#[derive(Debug, Default)]
struct Change {
    events: i64,
    open_count: i64,
    open_bytes: i64,
    registered_count: i64,
    registered_bytes: i64,
    corrupt_count: i64,
    /// The log's id and the sequence of the next event, once the scope is written.
    next: Option<(Uuid, i64)>,
}

/// The changes of a group to its scopes, and the sequences of its events.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<Scope, Change>);

pub(super) const WRITE: &str = "
    UPDATE scope SET
        last_sequence = last_sequence + ?3,
        open_count = open_count + ?4,
        open_bytes = open_bytes + ?5,
        registered_count = registered_count + ?6,
        registered_bytes = registered_bytes + ?7,
        corrupt_count = corrupt_count + ?8
    WHERE tenant_id = ?1 AND env = ?2
    RETURNING last_sequence,
        (SELECT l.log_id FROM scope_log l
            WHERE l.tenant_id = ?1 AND l.env = ?2
            ORDER BY l.from_sequence DESC LIMIT 1
        ) AS log_id";

impl Ledger {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one event and one open intent.
    pub(super) fn open(&mut self, intent: &UploadIntent) {
        self.promise(intent);
        self.add_event(&intent.scope);
    }

    /// Adds one open intent, without an event.
    pub(super) fn promise(&mut self, intent: &UploadIntent) {
        let change = self.0.entry(intent.scope.clone()).or_default();
        change.open_count += 1;
        change.open_bytes += bytes(intent.facts.size_bytes.get());
    }

    /// Adds one event.
    pub(super) fn add_event(&mut self, scope: &Scope) {
        let change = self.0.entry(scope.clone()).or_default();
        change.events += 1;
    }

    /// Adds one event, and replaces an intent, which is open or was closed, by a record.
    pub(super) fn register(&mut self, asset: &RawAsset, was_closed: bool) {
        let size = bytes(asset.facts().size_bytes.get());
        let change = self.0.entry(asset.scope().clone()).or_default();
        change.events += 1;
        if !was_closed {
            change.open_count -= 1;
            change.open_bytes -= size;
        }
        change.registered_count += 1;
        change.registered_bytes += size;
    }

    /// Adds one event, and removes an intent if it is open: that of this size.
    pub(super) fn abort(&mut self, scope: &Scope, open: Option<i64>) {
        let change = self.0.entry(scope.clone()).or_default();
        change.events += 1;
        if let Some(size) = open {
            change.open_count -= 1;
            change.open_bytes -= size;
        }
    }

    /// Adds one event, and changes the number of corrupt assets.
    pub(super) fn verify(&mut self, scope: &Scope, corrupt: i64) {
        let change = self.0.entry(scope.clone()).or_default();
        change.events += 1;
        change.corrupt_count += corrupt;
    }

    /// Updates the scopes, which must exist, and reserves their sequences.
    pub(super) fn write(&mut self, connection: &mut SqliteConnection) -> Result<(), WriteError> {
        for (scope, it) in &mut self.0 {
            let change = params![
                scope.tenant.as_str(),
                scope.environment.as_str(),
                it.events,
                it.open_count,
                it.open_bytes,
                it.registered_count,
                it.registered_bytes,
                it.corrupt_count,
            ];
            let next = connection.only(WRITE, change, |row| {
                let last: i64 = row.get("scope.last_sequence")?;
                let log = row.uuid("scope_log.log_id")?;
                Ok((log, last - it.events + 1))
            });
            it.next = Some(next.map_err(write_error)?);
        }
        Ok(())
    }

    /// Assigns the scope's next sequence to an event.
    pub(super) fn assign<'a>(
        &mut self,
        scope: &'a Scope,
        event: &'a SealedEvent,
    ) -> Result<SequencedEvent<'a>, CatalogError> {
        let change = self.0.get_mut(scope);
        let next = change.and_then(|change| change.next.as_mut());
        let (log_id, next) =
            next.ok_or_else(|| read_error(rusqlite::Error::QueryReturnedNoRows))?;
        let sequence = *next;
        *next += 1;
        Ok(SequencedEvent {
            scope,
            log_id: *log_id,
            sequence,
            event,
        })
    }
}

/// Converts a size, which is below 2^53.
fn bytes(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
