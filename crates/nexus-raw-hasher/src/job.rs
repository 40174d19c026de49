use std::sync::Arc;

use nexus_raw::{
    ErrorChain,
    ports::{HashOutcome, HashingClaim, HashingError, Lease, PinnedObject, Urgency},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::Shared;

/// How a job ended.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// It came to this.
    Done(HashOutcome),
    /// Not here: another process has it, the process ends, or there is nothing to do any more.
    Elsewhere,
    /// The store or the catalogue failed.
    Failed(Arc<HashingError>),
}

impl From<HashingError> for End {
    fn from(error: HashingError) -> Self {
        Self::Failed(Arc::new(error))
    }
}

/// One object to be hashed.
pub(super) struct Job {
    shared: Arc<Shared>,
    object: PinnedObject,
    urgency: Urgency,
    stop: watch::Receiver<bool>,
}

impl Job {
    pub(super) fn new(
        shared: Arc<Shared>,
        object: PinnedObject,
        urgency: Urgency,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            shared,
            object,
            urgency,
            stop,
        }
    }

    /// Waits for its turn, claims the object, hashes it, and records what came out.
    pub(super) async fn run(mut self) -> End {
        let shared = Arc::clone(&self.shared);
        let turns = match self.urgency {
            Urgency::Awaited => &shared.awaited,
            Urgency::Background => &shared.background,
        };
        let turn = tokio::select! {
            biased;
            () = stopped(&mut self.stop) => return End::Elsewhere,
            turn = turns.acquire() => turn,
        };
        // turns are never closed
        let Ok(_turn) = turn else {
            return End::Elsewhere;
        };
        let began = Instant::now();
        let end = self.claim_and_hash().await;
        self.log(&end, began);
        end
    }

    async fn claim_and_hash(&mut self) -> End {
        let shared = Arc::clone(&self.shared);
        let (now, ttl) = (shared.clock.now(), shared.settings.lease);
        let ledger = &shared.ledger;
        let claim = ledger.claim_hashing(&self.object, shared.owner, now, ttl);
        match claim.await {
            Ok(HashingClaim::Taken(lease)) => self.hash_under(lease).await,
            Ok(HashingClaim::Known(digest)) => End::Done(HashOutcome::Hashed(digest)),
            Ok(HashingClaim::Held { .. } | HashingClaim::Closed) => End::Elsewhere,
            Err(error) => HashingError::Catalog(error).into(),
        }
    }

    async fn hash_under(&mut self, lease: Lease) -> End {
        let shared = Arc::clone(&self.shared);
        let (object, epoch) = (&self.object, lease.epoch);
        let end = tokio::select! {
            biased;
            () = stopped(&mut self.stop) => End::Elsewhere,
            // whoever took over gives back, not this one
            () = lost(&shared, object, lease) => return End::Elsewhere,
            hashed = shared.storage.hash(object) => match hashed {
                Ok(outcome) => End::Done(outcome),
                Err(error) => HashingError::Storage(error).into(),
            },
        };
        if let End::Done(HashOutcome::Hashed(digest)) = end {
            return match shared.ledger.record_digest(object, epoch, digest).await {
                Ok(true) => end,
                Ok(false) => End::Elsewhere,
                Err(error) => HashingError::Catalog(error).into(),
            };
        }
        if let Err(error) = shared.ledger.release_hashing(object, epoch).await {
            // it ends by itself
            slog::warn!(shared.log, "a claim was not given back";
                "asset_id" => object.asset_id.to_string(), "error" => ErrorChain(&error).to_string());
        }
        end
    }

    fn log(&self, end: &End, began: Instant) {
        let object = &self.object;
        let about = slog::o!(
            "tenant_id" => object.scope.tenant.to_string(),
            "env" => object.scope.environment.to_string(),
            "asset_id" => object.asset_id.to_string(),
            "size_bytes" => object.size_bytes.get(),
            "duration_ms" => u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        );
        let log = self.shared.log.new(about);
        match end {
            End::Done(HashOutcome::Hashed(_)) => slog::info!(log, "an object was hashed"),
            End::Done(HashOutcome::Replaced | HashOutcome::Gone) => {
                slog::warn!(log, "an object was replaced or deleted while it was hashed");
            }
            End::Elsewhere => slog::debug!(log, "an object is not hashed here"),
            End::Failed(error) => {
                slog::warn!(log, "an object was not hashed"; "error" => ErrorChain(&**error).to_string());
            }
        }
    }
}

/// Resolves when the process is to end.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // a dropped sender stops it too
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Renews the lease, and resolves once it is lost: taken over, or ended without an answer of the
/// catalogue.
async fn lost(shared: &Shared, object: &PinnedObject, mut lease: Lease) {
    let ttl = shared.settings.lease;
    loop {
        sleep(ttl / 3).await;
        let now = shared.clock.now();
        let renewal = shared.ledger.renew_hashing(object, lease.epoch, now, ttl);
        match renewal.await {
            Ok(true) => lease.until = now.saturating_add(ttl),
            Ok(false) => return,
            Err(_) if now >= lease.until => return,
            Err(_) => {}
        }
    }
}
