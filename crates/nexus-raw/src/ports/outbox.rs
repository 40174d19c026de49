use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use uuid::Uuid;

use super::CatalogError;
use crate::{event::DatasetEvent, tenancy::Scope, text::validated_text, time::Timestamp};

/// The name under which a sink's progress is kept: `^[a-z][a-z0-9_-]{0,31}$`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkName(Arc<str>);

/// Why a text is no [`SinkName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must start with `a-z` and go on with up to 31 of `a-z`, `0-9`, `_` and `-`")]
#[non_exhaustive]
pub struct SinkNameError;

impl SinkName {
    /// Returns a name that a program has in its text.
    ///
    /// # Panics
    /// When it is no name: see [`SinkNameError`].
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        #[expect(clippy::expect_used, reason = "the name is in the program's text")]
        Self::parse(name).expect("a name of a sink")
    }

    fn check(text: &str) -> Result<(), SinkNameError> {
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
        let rest = bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if first && rest && text.len() <= 32 {
            Ok(())
        } else {
            Err(SinkNameError)
        }
    }
}

validated_text!(SinkName, SinkNameError);

/// The relay's lease, held by one process at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Which holding this is: each take-over has a higher one, and a cursor is moved only under
    /// the current one.
    pub epoch: u64,
    /// Until when it holds unless renewed.
    pub until: Timestamp,
}

/// An event that a sink refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Whose it is.
    pub scope: Scope,
    /// Its place there.
    pub sequence: u64,
    /// Why the sink refused it.
    pub reason: String,
    /// When.
    pub parked_at: Timestamp,
}

/// The outcome of events that a relay offered to a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The sink.
    pub sink: SinkName,
    /// The epoch of the relay's lease.
    pub epoch: u64,
    /// The outcome.
    pub change: ProgressChange,
}

/// How the progress of a sink changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgressChange {
    /// The sink has taken everything up to these sequences, one or more of each scope: its cursors
    /// move forward, and never back.
    Delivered(Vec<(Scope, u64)>),
    /// The sink refused an event for good: it is kept, and the cursor moves past it. One that was
    /// parked before and was to be retried is kept with its new reason, and is no longer to
    /// be retried.
    Parked(ParkedEvent),
    /// The sink has taken an event that was parked: it is parked no more.
    Retried {
        /// The scope of the event.
        scope: Scope,
        /// Its place there.
        sequence: u64,
    },
}

/// What lies before a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// How many events lie after its cursors.
    pub undelivered: u64,
    /// When the oldest of them occurred; see [`EventOutbox::oldest_undelivered`].
    pub oldest: Option<Timestamp>,
    /// How many events were parked for it and not taken since.
    pub parked: u64,
}

/// The committed events, as a relay reads them.
///
/// Implemented by what implements [`AssetCatalog`](super::AssetCatalog), since events are
/// committed with the change that they report; called by the relay of `nexus-raw-events`. For each sink
/// and scope there is a cursor: the sequence up to which everything was delivered or parked.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EventOutbox: std::fmt::Debug + Send + Sync + 'static {
    /// Takes the relay's lease, or renews it, until `now + ttl`. `None` while another owner holds
    /// it. The epoch stays the same while one owner renews and rises at each take-over. A
    /// catalogue that one process has at a time may end a lease when it is reopened, since its
    /// owner has gone.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn lease(
        &self,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, CatalogError>;

    /// Up to `limit` events that lie after the sink's cursors: per scope in order of sequence and
    /// without a gap from the cursor on; no scope waits for ever for another. Nothing of the
    /// scopes in `held`, which take no room from the others.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError>;

    /// Records the outcome of events that were offered to a sink, in one transaction. `false`,
    /// and nothing written, when the epoch is no longer the lease's.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn advance(&self, progress: Progress) -> Result<bool, CatalogError>;

    /// Up to `limit` of the sink's parked events that are to be retried
    /// ([`ParkedEvents::ask_retry`](super::ParkedEvents::ask_retry)), per scope in order of
    /// sequence.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn retries(&self, sink: &SinkName, limit: u32)
    -> Result<Vec<DatasetEvent>, CatalogError>;

    /// When the oldest event occurred that lies after the sink's cursors.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn oldest_undelivered(&self, sink: &SinkName) -> Result<Option<Timestamp>, CatalogError>;

    /// How much lies before the sink, for those who run it. It costs in proportion to the
    /// number of scopes, so it is called every few seconds at most.
    ///
    /// # Errors
    /// When the catalogue cannot answer.
    async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError>;

    /// Returns once events may have been committed since the last call returned, at the latest
    /// after `patience`; it may return early. A commit between two calls is not missed.
    async fn committed(&self, patience: Duration);
}
