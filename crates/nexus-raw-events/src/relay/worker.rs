use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    time::Duration,
};

use futures_util::FutureExt;
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
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    Relay, RelaySettings,
    backoff::Retry,
    held::HeldScopes,
    lease::LeaseState,
    offer::{Failure, Outcome},
    outage::Outage,
    signals::{CommitSignal, Stop},
};

/// The longest stored reason of a parked event, in characters.
const LONGEST_REASON: usize = 1000;

/// The delivery of events to one sink, independent of other sinks.
pub(super) struct Worker<'a> {
    outbox: &'a dyn EventOutbox,
    sink: &'a dyn DatasetEventSink,
    clock: &'a dyn Clock,
    lease: &'a LeaseState,
    commits: watch::Receiver<()>,
    stop: Stop,
    batch: u32,
    deadline: Duration,
    retry: Retry,
    log: Logger,
    sink_outage: Outage,
    catalogue_outage: Outage,
    settings: RelaySettings,
    held: HeldScopes,
    /// When parked events with a requested retry were last polled.
    polled_at: Option<Instant>,
}

/// How many parked events are retried at a time, so that new ones do not wait long.
const RETRIES: u32 = 16;

/// The outcome of one pass over the outbox.
enum Pass {
    /// There was nothing to deliver.
    Idle,
    /// Events were delivered or parked.
    Progressed,
    /// Fewer events than a batch were all delivered.
    CaughtUp,
    /// Another relay holds the lease.
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
        lease: &'a LeaseState,
        commits: &CommitSignal,
        stop: Stop,
    ) -> Self {
        let log = relay.log.new(o!("sink" => sink.name().to_string()));
        Self {
            outbox: &*relay.outbox,
            sink,
            clock: &*relay.clock,
            lease,
            commits: commits.subscribe(),
            stop,
            batch: relay.settings.batch,
            deadline: relay.settings.deadline,
            retry: Retry::new(relay.settings.backoff),
            sink_outage: Outage::new(&log, "sink"),
            catalogue_outage: Outage::new(&log, "catalogue"),
            settings: relay.settings,
            held: HeldScopes::default(),
            polled_at: None,
            log,
        }
    }

    /// Runs until the stop; then what was committed before is delivered and recorded.
    pub(super) async fn work(mut self) {
        self.work_until_stopped().await;
        if self.sink_outage.is_on() || self.catalogue_outage.is_on() {
            return;
        }
        // what a dropped delivery had taken is offered again after the next start
        let stopped_at = self.stop.clone().at().await;
        let _ = timeout_at(stopped_at + self.deadline, self.deliver_last()).await;
    }

    async fn work_until_stopped(&mut self) {
        let mut stop = self.stop.clone();
        while let Some(epoch) = stop.or(self.lease.held(self.clock)).await {
            let wait = match self.pass(epoch).await {
                Pass::Idle => {
                    self.catalogue_outage.worked();
                    let held = self.held.wait().unwrap_or(Duration::MAX);
                    // a commit during the pass counts; it cannot fail: the signal outlives the worker
                    let _ = stop.or(timeout(held, self.commits.changed())).await;
                    continue;
                }
                pass @ (Pass::Progressed | Pass::CaughtUp) => {
                    self.catalogue_outage.worked();
                    self.sink_outage.worked();
                    self.retry.reset();
                    if matches!(pass, Pass::CaughtUp) {
                        stop.or(sleep(self.settings.gather)).await;
                    }
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
        self.held.enter_epoch(epoch);
        if let Some(pass) = self.retry_parked(epoch).await {
            return pass;
        }
        match self.stop.clone().or(self.undelivered()).await {
            Some(events) => self.deliver(events, epoch).await,
            None => Pass::Idle,
        }
    }

    /// Delivers what was committed before the stop, if this relay holds the lease. Where there is only
    /// one process, its last events would otherwise wait for its next start.
    async fn deliver_last(&mut self) {
        let Some(epoch) = self.lease.held(self.clock).now_or_never() else {
            return;
        };
        self.held.enter_epoch(epoch);
        loop {
            let events = self.undelivered().await;
            if !matches!(self.deliver(events, epoch).await, Pass::Progressed) {
                return;
            }
        }
    }

    /// Reads the next events of the scopes that are not in backoff.
    async fn undelivered(&self) -> Result<Vec<DatasetEvent>, CatalogError> {
        let held = self.held.scopes();
        let read = self.outbox.undelivered(self.sink.name(), self.batch, &held);
        self.answer(read).await
    }

    async fn deliver(
        &mut self,
        events: Result<Vec<DatasetEvent>, CatalogError>,
        epoch: u64,
    ) -> Pass {
        let events = match events {
            Ok(events) if !events.is_empty() => events,
            Ok(_) => return Pass::Idle,
            Err(error) => return Pass::CatalogueFailed(error),
        };
        let Some(mut offer) = self.offer(&events, epoch).await else {
            return Pass::LeaseLost;
        };
        offer.separate_outage(&events, &self.held);
        let recorded = self.record(&offer, epoch).await;
        if let Some(pass) = self.unrecorded(recorded, epoch) {
            return pass;
        }
        match offer.outage {
            Some(reason) => {
                if !offer.cursors.is_empty() {
                    self.retry.reset();
                }
                Pass::SinkFailed(reason)
            }
            None if offer.is_whole(&events) && is_all(&events, self.batch) => Pass::CaughtUp,
            None => Pass::Progressed,
        }
    }

    /// Offers events to the sink. Returns `None` when the lease is lost meanwhile: another relay may
    /// deliver then, and continuing would break the order.
    async fn offer<'e>(&self, events: &'e [DatasetEvent], epoch: u64) -> Option<Outcome<'e>> {
        let delivering = timeout(self.deadline, self.sink.deliver(events));
        tokio::select! {
            biased;
            () = self.lease.lost(epoch) => None,
            answer = delivering => Some(Outcome::read(events, answer)),
        }
    }

    /// Returns how a pass ends if its outcome was not recorded, `None` if it was.
    fn unrecorded(&self, recorded: Result<bool, CatalogError>, epoch: u64) -> Option<Pass> {
        match recorded {
            Ok(true) => None,
            Ok(false) => {
                self.lease.deny(epoch);
                Some(Pass::LeaseLost)
            }
            Err(error) => Some(Pass::CatalogueFailed(error)),
        }
    }

    /// Offers parked events for which a retry was requested, each alone. Returns the pass if one
    /// could not be completed; otherwise new events follow.
    async fn retry_parked(&mut self, epoch: u64) -> Option<Pass> {
        let interval = self.settings.poll_interval;
        if self.polled_at.is_some_and(|at| at.elapsed() < interval) {
            return None;
        }
        let mut stop = self.stop.clone();
        let call = self.answer(self.outbox.retries(self.sink.name(), RETRIES));
        let events = match stop.or(call).await {
            Some(Ok(events)) => events,
            None => return None,
            Some(Err(error)) => return Some(Pass::CatalogueFailed(error)),
        };
        // new events have a turn before the next poll, however these retries end
        self.polled_at = Some(Instant::now());
        for event in &events {
            stop.or(std::future::ready(())).await?;
            let Some(offer) = self.offer(std::slice::from_ref(event), epoch).await else {
                return Some(Pass::LeaseLost);
            };
            let recorded = match (offer.outage, offer.failures.first()) {
                (Some(reason), _) => return Some(Pass::SinkFailed(reason)),
                (None, None) => self.unpark(event, epoch).await,
                (None, Some((event, Failure::Failed(reason) | Failure::Refused(reason)))) => {
                    self.park(event, reason, epoch).await
                }
                // the retry stays requested
                (None, Some((_, Failure::Unavailable(_)))) => continue,
            };
            if let Some(pass) = self.unrecorded(recorded, epoch) {
                return Some(pass);
            }
        }
        if events.len() == RETRIES as usize {
            // there may be more
            self.polled_at = None;
        }
        None
    }

    /// Records that a parked event was delivered.
    async fn unpark(&self, event: &DatasetEvent, epoch: u64) -> Result<bool, CatalogError> {
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

    /// Records the outcome of a batch. Returns `false` when the lease is lost.
    async fn record(&mut self, offer: &Outcome<'_>, epoch: u64) -> Result<bool, CatalogError> {
        let mut apart = BTreeSet::new();
        let scopes = offer.cursors.keys().cloned();
        let scopes = scopes.chain(offer.failures.iter().map(|(event, _)| event.body.scope()));
        apart.extend(scopes.filter(|scope| self.held.is_unavailable(scope)));
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
        for (event, stop) in &offer.failures {
            let scope = event.body.scope();
            let reason = match stop {
                Failure::Unavailable(reason) => {
                    let sequence = event.sequence;
                    self.held
                        .unavailable(scope.clone(), sequence, &self.settings);
                    if !apart.remove(&scope) {
                        warn!(self.log, "event delivery stalled"; "by" => "sink",
                            "tenant_id" => scope.tenant.as_str(),
                            "env" => scope.environment.as_str(), "reason" => reason);
                    }
                    continue;
                }
                Failure::Failed(reason) => {
                    match self.held.failed(scope, event.sequence, &self.settings) {
                        Some(tries) => format!("{reason} ({tries} tries)"),
                        None => continue,
                    }
                }
                Failure::Refused(reason) => {
                    self.held.forget(&scope);
                    reason.clone()
                }
            };
            if !self.park(event, &reason, epoch).await? {
                return Ok(false);
            }
        }
        for scope in apart {
            info!(self.log, "event delivery resumed"; "by" => "sink",
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
            error!(self.log, "event parked";
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

    /// Returns the catalogue's answer, or an error at the deadline.
    async fn answer<T>(
        &self,
        call: impl Future<Output = Result<T, CatalogError>>,
    ) -> Result<T, CatalogError> {
        timeout(self.deadline, call)
            .await
            .unwrap_or_else(|elapsed| Err(CatalogError::Unavailable(elapsed.into())))
    }
}

/// Returns whether a read of at most `batch` events had all: no scope used up its share.
fn is_all(events: &[DatasetEvent], batch: u32) -> bool {
    let mut counts = BTreeMap::<_, u32>::new();
    for DatasetEvent { body, .. } in events {
        *counts.entry((&body.tenant_id, &body.env)).or_default() += 1;
    }
    let scopes = u32::try_from(counts.len()).unwrap_or(u32::MAX).max(1);
    counts.values().all(|count| *count < batch.div_ceil(scopes))
}

#[cfg(test)]
mod tests {
    use nexus_raw_testkit::sample;

    use super::*;

    #[test]
    fn a_read_in_which_a_scope_used_up_its_share_was_not_of_all() {
        let events = |counts: &[u64]| {
            let mut all = Vec::new();
            for (scope, count) in (0..).zip(counts) {
                let scope = sample::scope(&format!("t_{scope}"), "dev");
                all.extend((1..=*count).map(|it| sample::event(&scope, it)));
            }
            all
        };
        for (counts, all) in [
            (vec![], true),
            (vec![7], true),
            (vec![8], false),
            (vec![3, 3], true),
            (vec![4, 1], false),
            (vec![1; 7], true),
            (vec![1; 8], false),
        ] {
            assert_eq!(is_all(&events(&counts), 8), all, "{counts:?}");
        }
    }
}
