//! The relay: delivers committed events to the sinks, one relay at a time across processes.

mod backoff;
mod held;
mod lease;
mod offer;
mod outage;
mod settings;
mod signals;
mod worker;

use std::{collections::BTreeSet, fmt, future::Future, sync::Arc};

use futures_util::future::join_all;
use nexus_raw::ports::{Clock, DatasetEventSink, EventOutbox, SinkName};
use slog::{Discard, Logger, o};
use uuid::Uuid;

pub use self::{
    backoff::Backoff,
    settings::{RelayError, RelaySettings},
};
use self::{
    lease::{LeaseHolder, LeaseState},
    signals::{CommitSignal, Stop},
    worker::Worker,
};

/// Delivers committed events to sinks: at least once, in order within a scope.
///
/// Every process may run one; of those that share an outbox, the lease holder works. Each sink has
/// its own progress and failures: one that hangs, fails or refuses does not delay another. An event
/// that a sink refuses permanently is parked and logged, and delivery continues with the next. An
/// event is delivered again if a crash came before the delivery was recorded.
pub struct Relay {
    outbox: Arc<dyn EventOutbox>,
    sinks: Vec<Arc<dyn DatasetEventSink>>,
    clock: Arc<dyn Clock>,
    owner: Uuid,
    settings: RelaySettings,
    log: Logger,
}

impl Relay {
    /// Creates a relay. `owner` is unique to each process and each start: a new UUID, such as
    /// `SystemAssetIds.next(clock.now()).as_uuid()` of `nexus_raw::system`.
    ///
    /// # Errors
    /// When two sinks have the same name, or the settings are invalid.
    pub fn new(
        outbox: Arc<dyn EventOutbox>,
        sinks: Vec<Arc<dyn DatasetEventSink>>,
        clock: Arc<dyn Clock>,
        owner: Uuid,
        settings: RelaySettings,
    ) -> Result<Self, RelayError> {
        settings.check()?;
        let mut names = BTreeSet::new();
        for sink in &sinks {
            if !names.insert(sink.name()) {
                return Err(RelayError::RepeatedSink(sink.name().clone()));
            }
        }
        Ok(Self {
            outbox,
            sinks,
            clock,
            owner,
            settings,
            log: Logger::root(Discard, o!()),
        })
    }

    /// Sets the log for parked events and outages: one line when a sink or the catalogue begins to
    /// fail, one when it recovers, one for each parked event.
    #[must_use]
    pub fn with_log(self, log: Logger) -> Self {
        Self { log, ..self }
    }

    /// Returns the names of the sinks, in their order; each has its own oldest undelivered event
    /// ([`EventOutbox::oldest_undelivered`]).
    pub fn sink_names(&self) -> impl Iterator<Item = &SinkName> {
        self.sinks.iter().map(|sink| sink.name())
    }

    /// Runs until `shutdown` resolves and deliveries in progress are finished and recorded, which
    /// takes at most one deadline for the sink and two for the catalogue.
    ///
    /// Within one deadline of `shutdown` it also delivers what was committed before, unless the sink
    /// or the catalogue fails; of what this leaves, events may be delivered again after the next
    /// start.
    ///
    /// The lease is not released; it expires. Dropping the future stops the relay at once, and
    /// deliveries in progress are repeated. Without sinks it returns at once.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let (stop, stopping) = Stop::on(shutdown);
        let (commits, lease) = (CommitSignal::new(), LeaseState::new());
        let holder = LeaseHolder {
            state: &lease,
            outbox: &*self.outbox,
            clock: &*self.clock,
            owner: self.owner,
            ttl: self.settings.lease_ttl,
            pause: self.settings.backoff.first,
            log: &self.log,
        };
        let workers = self
            .sinks
            .iter()
            .map(|sink| Worker::new(self, &**sink, &lease, &commits, stop.clone()).work());
        tokio::select! {
            _ = join_all(workers) => {}
            never = stopping => match never {},
            never = holder.run() => match never {},
            never = commits.run(&*self.outbox, self.settings.poll_interval, self.settings.gather) => match never {},
        }
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Relay")
            .field("owner", &self.owner)
            .field("sinks", &self.sink_names().collect::<Vec<_>>())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
