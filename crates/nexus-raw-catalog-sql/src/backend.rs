//! What a database must offer to be a catalogue. SQLite does; the rest of the crate knows no SQL.

use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, RawAsset, Sha256Digest},
    event::DatasetEvent,
    ports::{
        Backlog, CallerKey, CatalogError, EventQuery, IntentState, KeptEvent, OpenIntents,
        ParkedFilter, PinnedObject, SinkName, StandingKey,
    },
    tenancy::Scope,
    time::Timestamp,
};

use crate::{
    error::Failure,
    writer::{Group, Outcomes},
};

/// The two ends of an open database.
pub(crate) struct Backend {
    /// For any number of callers at once.
    pub(crate) reader: Box<dyn Reader>,
    /// For the one writer.
    pub(crate) writer: Box<dyn GroupWriter>,
}

/// Why a group was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// One of the members, or the group as a whole, was refused. Nothing was written.
    Refused(Failure),
    /// The transaction did not begin, or it is not known whether it was committed. No member
    /// would fare better alone, and it is not for us to try.
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
    /// Writes all members, in their order within each kind, and gives one outcome for each. That
    /// one member conflicts with what is there, or with another member, is an outcome.
    async fn write(&mut self, group: Group<'_>) -> Result<Outcomes, WriteError>;

    /// Lets go of the database.
    async fn close(self: Box<Self>);
}

/// Answers questions. See [`AssetCatalog`](nexus_raw::ports::AssetCatalog),
/// [`CatalogCensus`](nexus_raw::ports::CatalogCensus),
/// [`EventOutbox`](nexus_raw::ports::EventOutbox) and
/// [`DigestLedger`](nexus_raw::ports::DigestLedger) and
/// [`ParkedEvents`](nexus_raw::ports::ParkedEvents), whose methods these are.
#[async_trait]
pub(crate) trait Reader: Send + Sync {
    async fn find_intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError>;

    async fn find_key(
        &self,
        key: &CallerKey,
        now: Timestamp,
    ) -> Result<Option<StandingKey>, CatalogError>;

    async fn find_asset(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<RawAsset>, CatalogError>;

    async fn unknown_parents(
        &self,
        scope: &Scope,
        parents: &[AssetId],
    ) -> Result<Vec<usize>, CatalogError>;

    async fn events(
        &self,
        scope: &Scope,
        query: &EventQuery,
    ) -> Result<Vec<DatasetEvent>, CatalogError>;

    async fn open_intents(&self) -> Result<OpenIntents, CatalogError>;

    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError>;

    async fn retries(&self, sink: &SinkName, limit: u32)
    -> Result<Vec<DatasetEvent>, CatalogError>;

    async fn parked(
        &self,
        filter: &ParkedFilter,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, CatalogError>;

    async fn oldest_undelivered(&self, sink: &SinkName) -> Result<Option<Timestamp>, CatalogError>;

    async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError>;

    async fn known_digest(
        &self,
        object: &PinnedObject,
    ) -> Result<Option<Sha256Digest>, CatalogError>;

    async fn ready(&self) -> Result<(), CatalogError>;

    async fn close(&self);
}
