//! The relay: brings committed events to the sinks, one relay at a time across processes.

mod backoff;
mod held;
mod offer;
mod outage;
mod settings;
mod signals;
mod tenure;
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
    signals::{Bell, Stop},
    tenure::{Keeper, Tenure},
    worker::Worker,
};

/// Brings committed events to sinks: at least once, and per scope in order.
///
/// Every process may run one; those that share an outbox agree by its lease on who works. Each
/// sink has its own progress and its own failures: one that hangs, fails or refuses holds up no
/// other. An event that a sink refuses for good is parked, told in the log, and the next goes on.
/// What a sink took is offered again when a crash came before it was written down.
pub struct Relay {
    outbox: Arc<dyn EventOutbox>,
    sinks: Vec<Arc<dyn DatasetEventSink>>,
    clock: Arc<dyn Clock>,
    owner: Uuid,
    settings: RelaySettings,
    log: Logger,
}

impl Relay {
    /// Puts a relay together. `owner` is the process's own id, different in each process and after
    /// each start.
    ///
    /// # Errors
    /// When two sinks have one name, or the settings leave no room to work.
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

    /// Says where to tell of parked events and of outages: one line when a sink or the catalogue
    /// begins to fail, one when it works again, one for each parked event.
    #[must_use]
    pub fn with_log(self, log: Logger) -> Self {
        Self { log, ..self }
    }

    /// The names of the sinks, in their order: each has its own oldest undelivered event
    /// ([`EventOutbox::oldest_undelivered`]).
    pub fn sink_names(&self) -> impl Iterator<Item = &SinkName> {
        self.sinks.iter().map(|sink| sink.name())
    }

    /// Works until `shutdown` ends, and then as long as deliveries under way take to be finished
    /// and written down: at most the deadline for the sink and twice for the catalogue.
    ///
    /// The lease is not given back; it ends by itself. Dropping the future ends the relay at
    /// once, and what was under way is delivered again. Without sinks it returns at once.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let (stop, stopping) = Stop::on(shutdown);
        let (bell, tenure) = (Bell::new(), Tenure::new());
        let keeper = Keeper {
            tenure: &tenure,
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
            .map(|sink| Worker::new(self, &**sink, &tenure, &bell, stop.clone()).work());
        tokio::select! {
            _ = join_all(workers) => {}
            never = stopping => match never {},
            never = keeper.keep() => match never {},
            never = bell.ring(&*self.outbox, self.settings.patience) => match never {},
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
