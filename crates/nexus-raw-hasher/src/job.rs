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

/// The outcome of a job.
#[derive(Debug, Clone)]
pub(super) enum JobOutcome {
    /// The store was read, or the digest was known.
    Done(HashOutcome),
    /// Another process has it, this process stops, or the asset needs no digest any more.
    Skipped,
    /// The store or the catalogue failed.
    Failed(Arc<HashingError>),
}

impl From<HashingError> for JobOutcome {
    fn from(error: HashingError) -> Self {
        Self::Failed(Arc::new(error))
    }
}

/// The hashing of one object.
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

    /// Waits for its turn, claims the object, hashes it, and records the digest.
    pub(super) async fn run(mut self) -> JobOutcome {
        let shared = Arc::clone(&self.shared);
        let turns = match self.urgency {
            Urgency::Awaited => &shared.awaited,
            Urgency::Background => &shared.background,
        };
        let turn = tokio::select! {
            biased;
            () = stopped(&mut self.stop) => return JobOutcome::Skipped,
            turn = turns.acquire() => turn,
        };
        // the semaphore is never closed
        let Ok(_turn) = turn else {
            return JobOutcome::Skipped;
        };
        let began = Instant::now();
        let end = self.claim_and_hash().await;
        self.log(&end, began);
        end
    }

    async fn claim_and_hash(&mut self) -> JobOutcome {
        let shared = Arc::clone(&self.shared);
        let (now, ttl) = (shared.clock.now(), shared.settings.lease);
        let ledger = &shared.ledger;
        let claim = ledger.claim_hashing(&self.object, shared.owner, now, ttl);
        match claim.await {
            Ok(HashingClaim::Taken(lease)) => self.hash_under(lease).await,
            Ok(HashingClaim::Known(digest)) => JobOutcome::Done(HashOutcome::Hashed(digest)),
            Ok(HashingClaim::Held { .. } | HashingClaim::Closed) => JobOutcome::Skipped,
            Err(error) => HashingError::Catalog(error).into(),
        }
    }

    async fn hash_under(&mut self, lease: Lease) -> JobOutcome {
        let shared = Arc::clone(&self.shared);
        let (object, epoch) = (&self.object, lease.epoch);
        let end = tokio::select! {
            biased;
            () = stopped(&mut self.stop) => JobOutcome::Skipped,
            // the new lease holder releases it
            () = lost(&shared, object, lease) => return JobOutcome::Skipped,
            hashed = shared.storage.hash(object) => match hashed {
                Ok(outcome) => JobOutcome::Done(outcome),
                Err(error) => HashingError::Storage(error).into(),
            },
        };
        if let JobOutcome::Done(HashOutcome::Hashed(digest)) = end {
            return match shared.ledger.record_digest(object, epoch, digest).await {
                Ok(true) => end,
                Ok(false) => JobOutcome::Skipped,
                Err(error) => HashingError::Catalog(error).into(),
            };
        }
        if let Err(error) = shared.ledger.release_hashing(object, epoch).await {
            // the lease expires by itself
            slog::warn!(shared.log, "hashing lease release failed";
                "asset_id" => object.asset_id.to_string(), "error" => ErrorChain(&error).to_string());
        }
        end
    }

    fn log(&self, end: &JobOutcome, began: Instant) {
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
            JobOutcome::Done(HashOutcome::Hashed(_)) => slog::info!(log, "object hashed"),
            JobOutcome::Done(HashOutcome::Replaced | HashOutcome::Gone) => {
                slog::warn!(log, "object replaced or deleted during hashing");
            }
            JobOutcome::Skipped => slog::debug!(log, "object hashing skipped"),
            JobOutcome::Failed(error) => {
                slog::warn!(log, "object hashing failed"; "error" => ErrorChain(&**error).to_string());
            }
        }
    }
}

/// Resolves when the hasher is stopped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // a dropped sender stops it too
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Renews the lease, and resolves once it is lost: taken over, or expired while the catalogue did not
/// answer.
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
