use std::sync::Arc;

use super::{
    committed::{CommittedEvents, UnwrittenCursors},
    connection::SqliteConnection,
    fault::{RowError, write_error},
    files::OpenFiles,
    lock::CatalogLock,
    write::{self, WrittenGroup},
};
use crate::{
    backend::{GroupWriter, WriteError},
    error::Failure,
    object_store::ObjectStoreIdentity,
    writer::{Write, Written},
};
use async_trait::async_trait;

/// The number of writes between checkpoints. Some megabytes of log keep readers fast, and
/// checkpoints rare.
const CHECKPOINT_EVERY: usize = 1000;

/// Writes groups on the write connection. Each call blocks its thread.
pub(super) struct SqliteWriter {
    pub(super) connection: SqliteConnection,
    object_store: ObjectStoreIdentity,
    since_checkpoint: usize,
    committed: Arc<CommittedEvents>,
    files: OpenFiles,
    // dropped last
    _lock: CatalogLock,
}

impl SqliteWriter {
    pub(super) fn new(
        connection: SqliteConnection,
        files: OpenFiles,
        lock: CatalogLock,
        object_store: ObjectStoreIdentity,
        committed: Arc<CommittedEvents>,
    ) -> Self {
        Self {
            connection,
            object_store,
            since_checkpoint: 0,
            committed,
            files,
            _lock: lock,
        }
    }

    pub(super) fn execute(&mut self, sql: &'static str) -> Result<(), rusqlite::Error> {
        self.connection.execute(sql, []).map(|_| ())
    }

    /// Runs a checkpoint if due. It runs before a group, so that its failure is not returned to a
    /// caller whose write was committed.
    fn checkpoint_when_due(&mut self) -> Result<(), WriteError> {
        if self.since_checkpoint < CHECKPOINT_EVERY {
            return Ok(());
        }
        self.since_checkpoint = 0;
        let done = (self.connection).has_row("PRAGMA wal_checkpoint(PASSIVE)", []);
        done.map(|_| ()).map_err(or_unavailable)
    }

    /// Writes the cursors that are only in memory, and the group.
    fn write_all(
        &mut self,
        group: &[&Write],
        unwritten: &[UnwrittenCursors],
        events_are_wanted: bool,
    ) -> Result<WrittenGroup, WriteError> {
        for UnwrittenCursors { sink, cursors } in unwritten {
            let cursors = cursors.iter().map(|(scope, cursor)| (scope, *cursor));
            let delivered = write::deliver(&mut self.connection, sink, cursors);
            if let Err(WriteError::Refused(_)) = &delivered {
                // tried again with every group, they would fail them all
                self.committed.refuse(sink);
            }
            delivered?;
        }
        let Self {
            connection,
            object_store,
            ..
        } = self;
        write::group(connection, object_store, group, events_are_wanted)
    }

    fn commit(&mut self) -> Result<(), WriteError> {
        let Err(error) = self.execute("COMMIT") else {
            return Ok(());
        };
        let error = or_unavailable(error);
        self.roll_back()?;
        Err(error)
    }

    fn roll_back(&mut self) -> Result<(), WriteError> {
        // SQLite itself rolls back after some errors, such as on a full disk
        if self.connection.is_autocommit() {
            return Ok(());
        }
        // the transaction would stay open and take in later writes
        let rolled_back = self.execute("ROLLBACK");
        rolled_back.map_err(|error| WriteError::Fatal(Failure::unavailable(error)))
    }
}

/// Returns a refusal as unavailability: the cause is not a member of the group.
fn or_unavailable(error: impl Into<RowError>) -> WriteError {
    match write_error(error) {
        WriteError::Refused(failure) => WriteError::Unavailable(failure),
        other => other,
    }
}

#[async_trait]
impl GroupWriter for SqliteWriter {
    async fn write(
        &mut self,
        group: &[&Write],
    ) -> Result<Vec<Result<Written, Failure>>, WriteError> {
        self.checkpoint_when_due()?;
        // takes the write lock at once, since upgrading a read transaction can fail
        let begun = self.execute("BEGIN IMMEDIATE");
        begun.map_err(or_unavailable)?;
        self.since_checkpoint += group.len();
        let unwritten = self.committed.unwritten();
        let has_events = group.iter().any(|it| it.event_scope().is_some());
        let wanted = has_events && self.committed.are_wanted();
        match self.write_all(group, &unwritten, wanted) {
            Ok(WrittenGroup { outcomes, events }) => {
                if let Err(error) = self.commit() {
                    self.committed.lose();
                    return Err(error);
                }
                // writes to a moved or deleted file are not durable
                if let Err(error) = self.files.are_in_place() {
                    self.committed.lose();
                    return Err(WriteError::Fatal(Failure::unavailable(error)));
                }
                self.committed.forget_written(&unwritten);
                if has_events {
                    self.committed.add(wanted.then_some(events));
                }
                for (write, outcome) in group.iter().zip(&outcomes) {
                    self.committed.observe(write, outcome);
                }
                Ok(outcomes)
            }
            Err(error) => {
                self.roll_back()?;
                Err(error)
            }
        }
    }

    async fn close(mut self: Box<Self>) {
        // cursors that no group carried
        if let Err(error) = self.write(&[]).await {
            tracing::warn!(error = %error.failure(), "cursors of sinks not written");
        }
        let Self {
            mut connection,
            _lock,
            ..
        } = *self;
        // without this checkpoint the next start reads the log
        let carried = connection.has_row("PRAGMA wal_checkpoint(TRUNCATE)", []);
        if let Err(error) = carried.and_then(|_| Ok(connection.close()?)) {
            tracing::warn!(%error, "catalogue close failed");
        }
    }
}
