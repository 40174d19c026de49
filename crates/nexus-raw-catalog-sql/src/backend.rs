//! What a database must offer to be a catalogue.

use async_trait::async_trait;

use crate::{
    error::Failure,
    postgres::PostgresReader,
    sqlite::SqliteReader,
    writer::{OutcomesDiffer, Write, Written},
};

/// Answers questions, for any number of callers at once.
pub(crate) enum Reader {
    Sqlite(SqliteReader),
    Postgres(PostgresReader),
}

/// The two ends of an open database.
pub(crate) struct Backend {
    pub(crate) reader: Reader,
    /// For the one writer.
    pub(crate) writer: Box<dyn GroupWriter>,
}

/// Why a group was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// One of the members, or the group as a whole, was refused. Nothing was written.
    Refused(Failure),
    /// The transaction did not begin, or it is not known whether it was committed. Each member
    /// alone would fail likewise, and may have been written already.
    Unavailable(Failure),
    /// The medium failed. It is not known what was written, and nothing may be written after it:
    /// a file system may report a failed write once, and then forget it.
    Fatal(Failure),
}

impl WriteError {
    /// What happened.
    pub(crate) fn failure(&self) -> &Failure {
        match self {
            Self::Refused(failure) | Self::Unavailable(failure) | Self::Fatal(failure) => failure,
        }
    }
}

/// Writes groups, each in one durable transaction.
#[async_trait]
pub(crate) trait GroupWriter: Send {
    /// Writes all members: intents first, then repeated presigns, then registrations, each kind in
    /// the order of the group, then all others. Returns one outcome for each, in the order of the
    /// group. That one member conflicts with what is there, or with another member, is an outcome.
    async fn write(
        &mut self,
        group: &[&Write],
    ) -> Result<Vec<Result<Written, Failure>>, WriteError>;

    /// Lets go of the database.
    async fn close(self: Box<Self>);
}

/// A defect of ours: whether anything was written is not known.
impl From<OutcomesDiffer> for WriteError {
    fn from(error: OutcomesDiffer) -> Self {
        Self::Unavailable(Failure::corrupt(error))
    }
}
