use std::{collections::BTreeSet, future::Future, time::Duration};

use nexus_raw::{
    ErrorChain,
    event::DatasetEvent,
    ports::{
        CatalogError, Clock, DatasetEventSink, EventOutbox, ParkedEvent, Progress, ProgressChange,
    },
};
use slog::{Logger, error, info, o, warn};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{
    Relay, RelaySettings,
    backoff::Retry,
    held::Held,
    offer::{Offer, Untaken},
    outage::Outage,
    signals::{Bell, Stop},
    tenure::Tenure,
};

/// The longest reason that is kept of a refusal, in characters.
const LONGEST_REASON: usize = 1000;

/// Brings the events to one sink, whatever the others do.
pub(super) struct Worker<'a> {
    outbox: &'a dyn EventOutbox,
    sink: &'a dyn DatasetEventSink,
    clock: &'a dyn Clock,
    tenure: &'a Tenure,
    rings: watch::Receiver<()>,
    stop: Stop,
    batch: u32,
    deadline: Duration,
    retry: Retry,
    log: Logger,
    sink_outage: Outage,
    catalogue_outage: Outage,
    settings: RelaySettings,
    held: Held,
    /// When parked events were last looked for that are to be tried again.
    looked: Option<Instant>,
}

/// How many parked events are tried again at a time, so that new ones do not wait for many.
const RETRIES: u32 = 16;

/// What one pass over the outbox came to.
enum Pass {
    /// There was nothing to deliver.
    Idle,
    /// Events were delivered or parked.
    Moved,
    /// The lease is another's.
    LeaseLost,
    /// The sink cannot take more now.
    SinkFailed(String),
    /// The catalogue did not answer.
    CatalogueFailed(CatalogError),
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        relay: &'a Relay,
        sink: &'a dyn DatasetEventSink,
        tenure: &'a Tenure,
        bell: &Bell,
        stop: Stop,
    ) -> Self {
        let log = relay.log.new(o!("sink" => sink.name().to_string()));
        Self {
            outbox: &*relay.outbox,
            sink,
            clock: &*relay.clock,
            tenure,
            rings: bell.listener(),
            stop,
            batch: relay.settings.batch,
            deadline: relay.settings.deadline,
            retry: Retry::new(relay.settings.backoff),
            sink_outage: Outage::new(&log, "sink"),
            catalogue_outage: Outage::new(&log, "catalogue"),
            settings: relay.settings,
            held: Held::default(),
            looked: None,
            log,
        }
    }

    /// Works until it is told to stop; a delivery under way is finished and marked before.
    pub(super) async fn work(mut self) {
        let mut stop = self.stop.clone();
        while let Some(epoch) = stop.or(self.tenure.held(self.clock)).await {
            let wait = match self.pass(epoch).await {
                Pass::Idle => {
                    self.catalogue_outage.worked();
                    let held = self.held.wait().unwrap_or(Duration::MAX);
                    // a ring during the pass counts; an error cannot be: the bell outlives us
                    let _ = stop.or(timeout(held, self.rings.changed())).await;
                    continue;
                }
                Pass::Moved => {
                    self.catalogue_outage.worked();
                    self.sink_outage.worked();
                    self.retry.reset();
                    continue;
                }
                Pass::LeaseLost => continue,
                Pass::SinkFailed(reason) => {
                    self.catalogue_outage.worked();
                    self.sink_outage.failed(&reason);
                    self.retry.next()
                }
                Pass::CatalogueFailed(error) => {
                    self.catalogue_outage
                        .failed(&ErrorChain(&error).to_string());
                    self.retry.next()
                }
            };
            stop.or(sleep(wait)).await;
        }
    }

    async fn pass(&mut self, epoch: u64) -> Pass {
        self.held.under(epoch);
        if let Some(pass) = self.try_parked(epoch).await {
            return pass;
        }
        let mut stop = self.stop.clone();
        let held = self.held.scopes();
        let undelivered = self.outbox.undelivered(self.sink.name(), self.batch, &held);
        let events = match stop.or(self.answer(undelivered)).await {
            Some(Ok(events)) if !events.is_empty() => events,
            Some(Ok(_)) | None => return Pass::Idle,
            Some(Err(error)) => return Pass::CatalogueFailed(error),
        };
        let Some(mut offer) = self.offer(&events, epoch).await else {
            return Pass::LeaseLost;
        };
        offer.weigh(&events, &self.held);
        let written = self.settle(&offer, epoch).await;
        if let Some(pass) = self.stopped(written, epoch) {
            return pass;
        }
        match offer.outage {
            Some(reason) => {
                if !offer.cursors.is_empty() {
                    self.retry.reset();
                }
                Pass::SinkFailed(reason)
            }
            None => Pass::Moved,
        }
    }

    /// Offers events to the sink. `None` when the lease is lost meanwhile: once another relay may
    /// deliver, going on would mix its order with ours.
    async fn offer<'e>(&self, events: &'e [DatasetEvent], epoch: u64) -> Option<Offer<'e>> {
        let delivering = timeout(self.deadline, self.sink.deliver(events));
        tokio::select! {
            biased;
            () = self.tenure.lost(epoch) => None,
            answer = delivering => Some(Offer::read(events, answer)),
        }
    }

    /// How a pass ends whose outcome could not be written down; `None` where it could.
    fn stopped(&self, written: Result<bool, CatalogError>, epoch: u64) -> Option<Pass> {
        match written {
            Ok(true) => None,
            Ok(false) => {
                self.tenure.deny(epoch);
                Some(Pass::LeaseLost)
            }
            Err(error) => Some(Pass::CatalogueFailed(error)),
        }
    }

    /// Offers parked events again that somebody asked for, each alone. What is wrong then is told;
    /// otherwise new ones have their turn.
    async fn try_parked(&mut self, epoch: u64) -> Option<Pass> {
        let patience = self.settings.patience;
        if self.looked.is_some_and(|at| at.elapsed() < patience) {
            return None;
        }
        let mut stop = self.stop.clone();
        let asking = self.answer(self.outbox.retries(self.sink.name(), RETRIES));
        let events = match stop.or(asking).await {
            Some(Ok(events)) => events,
            None => return None,
            Some(Err(error)) => return Some(Pass::CatalogueFailed(error)),
        };
        // whatever comes of them, new ones have a turn before they are looked for again
        self.looked = Some(Instant::now());
        for event in &events {
            stop.or(std::future::ready(())).await?;
            let Some(offer) = self.offer(std::slice::from_ref(event), epoch).await else {
                return Some(Pass::LeaseLost);
            };
            let written = match (offer.outage, offer.stops.first()) {
                (Some(reason), _) => return Some(Pass::SinkFailed(reason)),
                (None, None) => self.forget(event, epoch).await,
                (None, Some((event, Untaken::Failed(reason) | Untaken::Refused(reason)))) => {
                    self.park(event, reason, epoch).await
                }
                // it stays asked for
                (None, Some((_, Untaken::Unavailable(_)))) => continue,
            };
            if let Some(pass) = self.stopped(written, epoch) {
                return Some(pass);
            }
        }
        if events.len() == RETRIES as usize {
            // there may be more
            self.looked = None;
        }
        None
    }

    /// Writes down that a parked event was taken after all.
    async fn forget(&self, event: &DatasetEvent, epoch: u64) -> Result<bool, CatalogError> {
        let taken = ProgressChange::Retried {
            scope: event.body.scope(),
            sequence: event.sequence,
        };
        let done = self.advance(taken, epoch).await?;
        if done {
            info!(self.log, "parked event delivered";
                "event_id" => event.event_id.to_string(),
                "tenant_id" => event.body.tenant_id.as_str(),
                "env" => event.body.env.as_str(),
                "sequence" => event.sequence,
            );
        }
        Ok(done)
    }

    /// Writes down what became of a batch; `false` when the lease is no longer this relay's.
    async fn settle(&mut self, offer: &Offer<'_>, epoch: u64) -> Result<bool, CatalogError> {
        let mut apart = BTreeSet::new();
        let scopes = offer.cursors.keys().cloned();
        let scopes = scopes.chain(offer.stops.iter().map(|(event, _)| event.body.scope()));
        apart.extend(scopes.filter(|scope| self.held.is_apart(scope)));
        if !offer.cursors.is_empty() {
            self.held.taken(&offer.cursors);
            let cursors = offer.cursors.clone().into_iter().collect();
            if !self
                .advance(ProgressChange::Delivered(cursors), epoch)
                .await?
            {
                return Ok(false);
            }
        }
        for (event, stop) in &offer.stops {
            let scope = event.body.scope();
            let reason = match stop {
                Untaken::Unavailable(reason) => {
                    let sequence = event.sequence;
                    self.held
                        .unavailable(scope.clone(), sequence, &self.settings);
                    if !apart.remove(&scope) {
                        warn!(self.log, "event delivery is held up"; "by" => "sink",
                            "tenant_id" => scope.tenant.as_str(),
                            "env" => scope.environment.as_str(), "reason" => reason);
                    }
                    continue;
                }
                Untaken::Failed(reason) => {
                    match self.held.failed(scope, event.sequence, &self.settings) {
                        Some(tries) => format!("{reason} ({tries} tries)"),
                        None => continue,
                    }
                }
                Untaken::Refused(reason) => {
                    self.held.forget(&scope);
                    reason.clone()
                }
            };
            if !self.park(event, &reason, epoch).await? {
                return Ok(false);
            }
        }
        for scope in apart {
            info!(self.log, "event delivery goes on"; "by" => "sink",
                "tenant_id" => scope.tenant.as_str(), "env" => scope.environment.as_str());
        }
        Ok(true)
    }

    async fn advance(&self, change: ProgressChange, epoch: u64) -> Result<bool, CatalogError> {
        let progress = Progress {
            sink: self.sink.name().clone(),
            epoch,
            change,
        };
        self.answer(self.outbox.advance(progress)).await
    }

    async fn park(
        &self,
        event: &DatasetEvent,
        reason: &str,
        epoch: u64,
    ) -> Result<bool, CatalogError> {
        let reason: String = reason.chars().take(LONGEST_REASON).collect();
        let parked = ParkedEvent {
            scope: event.body.scope(),
            sequence: event.sequence,
            reason: reason.clone(),
            parked_at: self.clock.now(),
        };
        let done = self.advance(ProgressChange::Parked(parked), epoch).await?;
        if done {
            error!(self.log, "event parked: the sink refused it for good";
                "event_id" => event.event_id.to_string(),
                "event_type" => event.body.event_type.as_str(),
                "tenant_id" => event.body.tenant_id.as_str(),
                "env" => event.body.env.as_str(),
                "sequence" => event.sequence,
                "asset_id" => event.body.asset_id.to_string(),
                "reason" => reason,
            );
        }
        Ok(done)
    }

    /// The catalogue's answer, if it comes in time.
    async fn answer<T>(
        &self,
        asking: impl Future<Output = Result<T, CatalogError>>,
    ) -> Result<T, CatalogError> {
        timeout(self.deadline, asking)
            .await
            .unwrap_or_else(|elapsed| Err(CatalogError::Unavailable(elapsed.into())))
    }
}
