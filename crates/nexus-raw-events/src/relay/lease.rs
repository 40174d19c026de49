use std::{convert::Infallible, future::pending, time::Duration};

use nexus_raw::{
    ErrorChain,
    ports::{CatalogError, Clock, EventOutbox, Lease},
    time::Timestamp,
};
use slog::{Logger, info};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::outage::Outage;

/// The lease that the relay holds, shared with its workers. [`LeaseHolder::run`] acquires and renews
/// it.
pub(super) struct LeaseState {
    held: watch::Sender<Option<Lease>>,
    denied: Notify,
}

impl LeaseState {
    pub(super) fn new() -> Self {
        Self {
            held: watch::Sender::new(None),
            denied: Notify::new(),
        }
    }

    /// Waits for the lease and returns its epoch. A process that was suspended may see its lease
    /// expired before the holder does; it waits for the renewal.
    pub(super) async fn held(&self, clock: &dyn Clock) -> u64 {
        let mut held = self.held.subscribe();
        let good = |lease: &Option<Lease>| lease.is_some_and(|lease| lease.until > clock.now());
        match held.wait_for(good).await.map(|lease| *lease) {
            Ok(Some(lease)) => lease.epoch,
            // neither can occur: the sender lives as long as `self`, and `good` needs a lease
            Ok(None) | Err(_) => pending().await,
        }
    }

    /// Returns once the lease of `epoch` is no longer held.
    pub(super) async fn lost(&self, epoch: u64) {
        let gone = |lease: &Option<Lease>| lease.is_none_or(|lease| lease.epoch != epoch);
        // it cannot fail: the sender lives as long as `self`
        let _ = self.held.subscribe().wait_for(gone).await;
    }

    /// Records that the catalogue has ended `epoch`.
    pub(super) fn deny(&self, epoch: u64) {
        let over = |held: &mut Option<Lease>| held.take_if(|lease| lease.epoch == epoch).is_some();
        self.held.send_if_modified(over);
        self.denied.notify_one();
    }
}

/// The task that acquires and renews the lease, and gives it up in time when the catalogue does not
/// answer.
pub(super) struct LeaseHolder<'a> {
    pub(super) state: &'a LeaseState,
    pub(super) outbox: &'a dyn EventOutbox,
    pub(super) clock: &'a dyn Clock,
    pub(super) owner: Uuid,
    pub(super) ttl: Duration,
    /// The wait after the catalogue has denied an epoch.
    pub(super) pause: Duration,
    pub(super) log: &'a Logger,
}

impl LeaseHolder<'_> {
    pub(super) async fn run(&self) -> Infallible {
        let mut catalogue = Outage::new(self.log, "catalogue");
        let third = self.ttl / 3;
        loop {
            let call = self.outbox.lease(self.owner, self.clock.now(), self.ttl);
            let (lease, wait) = match timeout(third, call).await {
                Ok(Ok(lease)) => {
                    catalogue.worked();
                    (lease, third)
                }
                Ok(Err(error)) => {
                    catalogue.failed(&ErrorChain(&error).to_string());
                    (self.remaining(third), third / 4)
                }
                Err(elapsed) => {
                    let error = CatalogError::Unavailable(elapsed.into());
                    catalogue.failed(&ErrorChain(&error).to_string());
                    (self.remaining(third), third / 4)
                }
            };
            self.announce(lease);
            tokio::select! {
                () = sleep(wait) => {}
                () = self.state.denied.notified() => sleep(self.pause).await,
            }
        }
    }

    /// Returns the current lease, unless it could expire before the next answer.
    fn remaining(&self, answer: Duration) -> Option<Lease> {
        let answered: Timestamp = self.clock.now().saturating_add(answer);
        self.state
            .held
            .borrow()
            .filter(|lease| answered < lease.until)
    }

    fn announce(&self, lease: Option<Lease>) {
        let before = self.state.held.send_replace(lease);
        let (before, now) = (before.map(|it| it.epoch), lease.map(|it| it.epoch));
        if before != now {
            if let Some(epoch) = before {
                info!(self.log, "relay lease lost"; "epoch" => epoch);
            }
            if let Some(epoch) = now {
                info!(self.log, "relay lease acquired"; "epoch" => epoch);
            }
        }
    }
}
