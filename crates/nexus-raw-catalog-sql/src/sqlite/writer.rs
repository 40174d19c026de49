use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Connection, SqliteConnection};

use super::{
    committed::{CommittedEvents, UnwrittenCursors},
    fault::{self, write_error},
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

/// The number of writes between checkpoints. Some megabytes of log keep readers fast, and
/// checkpoints rare.
const CHECKPOINT_EVERY: usize = 1000;

/// Writes groups on the write connection.
///
/// Transactions begin and end by plain statements. sqlx counts its own transactions, and the count
/// goes wrong when SQLite itself rolls back, such as on a full disk.
pub(super) struct SqliteWriter {
    connection: SqliteConnection,
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

    pub(super) async fn execute(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        let done = sqlx::query(sql).execute(&mut self.connection).await;
        done.map(|_| ())
    }

    /// Runs a checkpoint if due. It runs before a group, so that its failure is not returned to a
    /// caller whose write was committed.
    async fn checkpoint_when_due(&mut self) -> Result<(), WriteError> {
        if self.since_checkpoint < CHECKPOINT_EVERY {
            return Ok(());
        }
        self.since_checkpoint = 0;
        let done = self.execute("PRAGMA wal_checkpoint(PASSIVE)").await;
        done.map_err(or_unavailable)
    }

    /// Writes the cursors that are only in memory, and the group.
    async fn write_all(
        &mut self,
        group: &[&Write],
        unwritten: &[UnwrittenCursors],
        events_are_wanted: bool,
    ) -> Result<WrittenGroup, WriteError> {
        for UnwrittenCursors { sink, cursors } in unwritten {
            let cursors = cursors.iter().map(|(scope, cursor)| (scope, *cursor));
            let delivered = write::deliver(&mut self.connection, sink, cursors).await;
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
        write::group(connection, object_store, group, events_are_wanted).await
    }

    async fn commit(&mut self) -> Result<(), WriteError> {
        let Err(error) = self.execute("COMMIT").await else {
            return Ok(());
        };
        let error = or_unavailable(error);
        self.roll_back().await?;
        Err(error)
    }

    async fn roll_back(&mut self) -> Result<(), WriteError> {
        match self.execute("ROLLBACK").await {
            Ok(()) => Ok(()),
            // SQLite has already rolled back
            Err(error) if fault::is_plain(&error) => Ok(()),
            // the transaction is still open and would take in later writes
            Err(error) => Err(WriteError::Fatal(Failure::unavailable(error))),
        }
    }
}

/// Returns a refusal as unavailability: the cause is not a member of the group.
fn or_unavailable(error: sqlx::Error) -> WriteError {
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
        self.checkpoint_when_due().await?;
        // takes the write lock at once, since upgrading a read transaction can fail
        let begun = self.execute("BEGIN IMMEDIATE").await;
        begun.map_err(or_unavailable)?;
        self.since_checkpoint += group.len();
        let unwritten = self.committed.unwritten();
        let has_events = group.iter().any(|it| it.event_scope().is_some());
        let wanted = has_events && self.committed.are_wanted();
        match self.write_all(group, &unwritten, wanted).await {
            Ok(WrittenGroup { outcomes, events }) => {
                if let Err(error) = self.commit().await {
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
                self.roll_back().await?;
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
        let carried = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut connection)
            .await;
        if let Err(error) = carried.and(connection.close().await) {
            tracing::warn!(%error, "catalogue close failed");
        }
    }
}
