//! The interface of a database to the catalogue.

use async_trait::async_trait;

use crate::{
    error::Failure,
    postgres::PostgresReader,
    sqlite::SqliteReader,
    writer::{OutcomesDiffer, Write, Written},
};

/// The read side, for any number of concurrent callers.
pub(crate) enum Reader {
    Sqlite(SqliteReader),
    Postgres(PostgresReader),
}

/// An open database.
pub(crate) struct Backend {
    pub(crate) reader: Reader,
    /// Used by the one writer task.
    pub(crate) writer: Box<dyn GroupWriter>,
}

/// The error of a group write.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The database refused a member, or the group as a whole. Nothing was written.
    Refused(Failure),
    /// The transaction did not begin, or its outcome is unknown. The members are not retried alone:
    /// each would fail too, or may be committed already.
    Unavailable(Failure),
    /// The medium failed. The state on disk is unknown, and nothing may be written any more, since
    /// a file system may report a failed write only once.
    Fatal(Failure),
}

impl WriteError {
    /// Returns the cause.
    pub(crate) fn failure(&self) -> &Failure {
        match self {
            Self::Refused(failure) | Self::Unavailable(failure) | Self::Fatal(failure) => failure,
        }
    }
}

/// Writes groups, each in one durable transaction.
#[async_trait]
pub(crate) trait GroupWriter: Send {
    /// Writes all members: intents first, then repeated presigns, registrations and aborts, each kind
    /// in the order of the group, then all others. Returns one outcome per member, in the order of the
    /// group. A conflict with an existing row or with another member is an outcome, not an error.
    async fn write(
        &mut self,
        group: &[&Write],
    ) -> Result<Vec<Result<Written, Failure>>, WriteError>;

    /// Closes the database.
    async fn close(self: Box<Self>);
}

/// A bug in this crate, after which it is unknown what was written.
impl From<OutcomesDiffer> for WriteError {
    fn from(error: OutcomesDiffer) -> Self {
        Self::Unavailable(Failure::corrupt(error))
    }
}
