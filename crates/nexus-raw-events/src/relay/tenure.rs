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

/// Which lease the relay holds, as its workers see it: [`Keeper::keep`] takes and renews it.
pub(super) struct Tenure {
    held: watch::Sender<Option<Lease>>,
    denied: Notify,
}

impl Tenure {
    pub(super) fn new() -> Self {
        Self {
            held: watch::Sender::new(None),
            denied: Notify::new(),
        }
    }

    /// The epoch of the lease, once it is held. A process that was suspended may find its lease
    /// past its end before the keeper does; it waits for the renewal.
    pub(super) async fn held(&self, clock: &dyn Clock) -> u64 {
        let mut held = self.held.subscribe();
        let good = |lease: &Option<Lease>| lease.is_some_and(|lease| lease.until > clock.now());
        match held.wait_for(good).await.map(|lease| *lease) {
            Ok(Some(lease)) => lease.epoch,
            // neither can be: the sender lives as long as `self`, and what is good is there
            Ok(None) | Err(_) => pending().await,
        }
    }

    /// Returns once the lease of `epoch` is no longer held.
    pub(super) async fn lost(&self, epoch: u64) {
        let gone = |lease: &Option<Lease>| lease.is_none_or(|lease| lease.epoch != epoch);
        // an error cannot be: the sender lives as long as `self`
        let _ = self.held.subscribe().wait_for(gone).await;
    }

    /// Takes the catalogue's word that `epoch` is over.
    pub(super) fn deny(&self, epoch: u64) {
        let over = |held: &mut Option<Lease>| held.take_if(|lease| lease.epoch == epoch).is_some();
        self.held.send_if_modified(over);
        self.denied.notify_one();
    }
}

/// Takes the lease, renews it, and gives it up in time when the catalogue does not answer.
pub(super) struct Keeper<'a> {
    pub(super) tenure: &'a Tenure,
    pub(super) outbox: &'a dyn EventOutbox,
    pub(super) clock: &'a dyn Clock,
    pub(super) owner: Uuid,
    pub(super) ttl: Duration,
    /// The wait after the catalogue has denied an epoch.
    pub(super) pause: Duration,
    pub(super) log: &'a Logger,
}

impl Keeper<'_> {
    pub(super) async fn keep(&self) -> Infallible {
        let mut catalogue = Outage::new(self.log, "catalogue");
        let third = self.ttl / 3;
        loop {
            let asking = self.outbox.lease(self.owner, self.clock.now(), self.ttl);
            let (lease, wait) = match timeout(third, asking).await {
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
                () = self.tenure.denied.notified() => sleep(self.pause).await,
            }
        }
    }

    /// The lease as it is, unless it could end before the next answer.
    fn remaining(&self, answer: Duration) -> Option<Lease> {
        let answered: Timestamp = self.clock.now().saturating_add(answer);
        self.tenure
            .held
            .borrow()
            .filter(|lease| answered < lease.until)
    }

    fn announce(&self, lease: Option<Lease>) {
        let before = self.tenure.held.send_replace(lease);
        let (before, now) = (before.map(|it| it.epoch), lease.map(|it| it.epoch));
        if before != now {
            if let Some(epoch) = before {
                info!(self.log, "no longer relays events"; "epoch" => epoch);
            }
            if let Some(epoch) = now {
                info!(self.log, "relays events"; "epoch" => epoch);
            }
        }
    }
}
