use async_trait::async_trait;

use super::{BoxError, SinkName};
use crate::{event::DatasetEvent, tenancy::Scope};

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// How many events, from the first on, the sink has taken for good.
    pub taken: usize,
}

/// Why a sink did not take all of a batch. Events before `taken` were taken for good.
///
/// In [`SinkError::ByScope`] each scope has its own answer, as if its events had been offered alone:
/// there `taken` counts them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The sink cannot take events now; they are offered again, from the first that was not
    /// taken.
    #[error("the event sink is unavailable")]
    Unavailable {
        /// How many events, from the first on, were taken.
        taken: usize,
        /// Why no more were.
        #[source]
        source: BoxError,
    },
    /// The sink has answered about the event after those taken, with a failure that may pass. It is
    /// offered again, a bounded number of times and with growing waits; only the events of its own
    /// tenant and environment wait for it.
    #[error("the event sink failed on an event")]
    Failed {
        /// How many events, from the first on, were taken.
        taken: usize,
        /// Why the next one was not.
        #[source]
        source: BoxError,
    },
    /// The sink will never take the event after those taken: it is parked, and the rest goes on.
    #[error("the event sink refused an event")]
    Refused {
        /// How many events, from the first on, were taken.
        taken: usize,
        /// Why the next one never will be.
        #[source]
        source: BoxError,
    },
    /// The sink sends tenants and environments side by side, and did not take the events of each
    /// of them. What it took is recorded, also where the rest failed; only the events of a
    /// scope that it could not take wait.
    #[error("the event sink did not take the events of every tenant and environment")]
    ByScope(Vec<(Scope, Result<Delivery, SinkError>)>),
}

/// Where committed events go.
///
/// Implemented by `SlogEventSink` and others; called by one relay at a time. Delivery is at
/// least once: after a crash a sink is offered again what it has taken. It may write a repeat again,
/// or drop it by [`DatasetEvent::event_id`]. A sequence does not identify a repeat, since a parked
/// event is offered after later ones.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait DatasetEventSink: std::fmt::Debug + Send + Sync + 'static {
    /// The name that the sink's progress is kept under.
    fn name(&self) -> &SinkName;

    /// Takes the events in this order. It counts an event as taken only once it would survive
    /// the sink's own crash, as far as the medium can promise that.
    ///
    /// The relay drops the future at its deadline and offers the same events again. What then still
    /// runs, such as a blocking task, must not write beside the next call.
    ///
    /// # Errors
    /// See [`SinkError`].
    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError>;
}
