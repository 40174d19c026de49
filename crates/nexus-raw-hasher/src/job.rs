use std::sync::Arc;

use nexus_raw::{
    ErrorChain,
    asset::{DeclaredPart, Verdict},
    ports::{
        CompletionOutcome, HashOutcome, Lease, OpenUpload, PinnedObject, StorageError, Urgency,
        VerificationOrder, WorkClaim, WorkError, WorkProgress, abort_unless_completed,
        verify_object,
    },
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    Shared,
    work::{Finished, Order, Work},
};

/// The outcome of a job.
#[derive(Debug, Clone)]
pub(super) enum JobOutcome {
    /// The work is done, or was before.
    Done(Finished),
    /// Another process has it, this process stops, or there is nothing to do any more.
    Skipped,
    /// The store or the catalogue failed.
    Failed(Arc<WorkError>),
}

impl From<WorkError> for JobOutcome {
    fn from(error: WorkError) -> Self {
        Self::Failed(Arc::new(error))
    }
}

/// What becomes of the lease at the end of a job.
enum Afterwards {
    /// The next caller has it at once.
    Release,
    /// It was taken over, or given back with the record of the digest.
    Gone,
    /// It ends by itself: the store may still be at it.
    Leave,
}

/// The work on the object of one asset.
pub(super) struct Job {
    shared: Arc<Shared>,
    order: Order,
    stop: watch::Receiver<bool>,
}

impl Job {
    pub(super) fn new(shared: Arc<Shared>, order: Order, stop: watch::Receiver<bool>) -> Self {
        Self {
            shared,
            order,
            stop,
        }
    }

    /// Waits for its turn, claims the asset, and does the work under the lease.
    pub(super) async fn run(mut self) -> JobOutcome {
        let shared = Arc::clone(&self.shared);
        let turns = match (&self.order.work, self.order.urgency) {
            (Work::Hash(_) | Work::Verify(_), Urgency::Awaited) => Some(&shared.awaited),
            (Work::Hash(_) | Work::Verify(_), Urgency::Background) => Some(&shared.background),
            // these read nothing: they are work of the store
            (Work::Complete(..) | Work::Abort(_), _) => None,
        };
        let _turn = match turns {
            None => None,
            Some(turns) => {
                let turn = tokio::select! {
                    biased;
                    () = stopped(&mut self.stop) => return JobOutcome::Skipped,
                    turn = turns.acquire() => turn,
                };
                // the semaphore is never closed
                let Ok(turn) = turn else {
                    return JobOutcome::Skipped;
                };
                Some(turn)
            }
        };
        let began = Instant::now();
        let end = self.claim_and_work().await;
        self.log(&end, began);
        end
    }

    async fn claim_and_work(&mut self) -> JobOutcome {
        let shared = Arc::clone(&self.shared);
        let (now, ttl) = (shared.clock.now(), shared.settings.lease);
        let (ledger, owner) = (&shared.ledger, shared.owner);
        let claim = match &self.order.work {
            Work::Hash(object) => ledger.claim_hashing(object, owner, now, ttl).await,
            Work::Complete(upload, _) | Work::Abort(upload) => {
                ledger.claim_upload(upload, owner, now, ttl).await
            }
            Work::Verify(order) => {
                let (scope, asset) = (order.asset.scope(), order.asset.asset_id());
                ledger
                    .claim_verification(scope, asset, owner, now, ttl)
                    .await
            }
        };
        match claim {
            Ok(WorkClaim::Taken(lease)) => self.work_under(lease).await,
            Ok(WorkClaim::Known(digest)) if matches!(self.order.work, Work::Hash(_)) => {
                JobOutcome::Done(Finished::Hashed(HashOutcome::Hashed(digest)))
            }
            Ok(WorkClaim::Known(_) | WorkClaim::Held { .. } | WorkClaim::Closed) => {
                JobOutcome::Skipped
            }
            Err(error) => WorkError::Catalog(error).into(),
        }
    }

    async fn work_under(&mut self, lease: Lease) -> JobOutcome {
        let shared = Arc::clone(&self.shared);
        let epoch = lease.epoch;
        let work = &self.order.work;
        let (end, afterwards) = tokio::select! {
            biased;
            // who took the lease over releases it
            () = lost(&shared, work, lease) => (JobOutcome::Skipped, Afterwards::Gone),
            end = carry_out(&shared, work, epoch, &mut self.stop) => end,
        };
        if matches!(afterwards, Afterwards::Release) {
            let (scope, asset) = work.asset();
            if let Err(error) = shared.ledger.release_work(scope, asset, epoch).await {
                // the lease expires by itself
                slog::warn!(shared.log, "lease release failed";
                    "asset_id" => asset.to_string(), "error" => ErrorChain(&error).to_string());
            }
        }
        end
    }

    fn log(&self, end: &JobOutcome, began: Instant) {
        let work = &self.order.work;
        let (scope, asset) = work.asset();
        let about = slog::o!(
            "work" => work.name(),
            "tenant_id" => scope.tenant.to_string(),
            "env" => scope.environment.to_string(),
            "asset_id" => asset.to_string(),
            "size_bytes" => work.size_bytes(),
            "duration_ms" => u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        );
        let log = self.shared.log.new(about);
        match end {
            JobOutcome::Done(finished) => log_finished(&log, finished),
            JobOutcome::Skipped => slog::debug!(log, "work on an object skipped"),
            JobOutcome::Failed(error) => {
                slog::warn!(log, "work on an object failed"; "error" => ErrorChain(&**error).to_string());
            }
        }
    }
}

fn log_finished(log: &slog::Logger, finished: &Finished) {
    match finished {
        Finished::Hashed(HashOutcome::Hashed(_)) => slog::info!(log, "object hashed"),
        Finished::Hashed(HashOutcome::Replaced | HashOutcome::Gone) => {
            slog::warn!(log, "object replaced or deleted during hashing");
        }
        Finished::Completed(CompletionOutcome::Completed) => slog::info!(log, "upload completed"),
        Finished::Completed(CompletionOutcome::MissingParts(parts)) => {
            slog::info!(log, "upload not completed"; "missing_parts" => parts.len());
        }
        Finished::Completed(CompletionOutcome::UnknownUpload) => {
            slog::warn!(log, "upload not known to the store");
        }
        Finished::Aborted(_) => slog::info!(log, "upload aborted or found completed"),
        Finished::Verified(verification) => match verification.verdict() {
            Verdict::Intact => slog::info!(log, "asset verified"),
            Verdict::Corrupt => slog::error!(log, "asset is corrupt"),
            Verdict::Missing => slog::error!(log, "object of an asset is missing"),
        },
    }
}

async fn carry_out(
    shared: &Shared,
    work: &Work,
    epoch: u64,
    stop: &mut watch::Receiver<bool>,
) -> (JobOutcome, Afterwards) {
    match work {
        Work::Hash(object) => tokio::select! {
            biased;
            () = stopped(stop) => (JobOutcome::Skipped, Afterwards::Release),
            end = hash(shared, object, epoch) => end,
        },
        Work::Verify(order) => tokio::select! {
            biased;
            () = stopped(stop) => (JobOutcome::Skipped, Afterwards::Release),
            end = verify(shared, order, epoch) => (end, Afterwards::Release),
        },
        // the store would go on without this process: what is under way is awaited for a while
        Work::Complete(upload, parts) => tokio::select! {
            biased;
            end = complete(shared, upload, parts) => end,
            () = stopped_for_long(shared, stop) => (JobOutcome::Skipped, Afterwards::Leave),
        },
        Work::Abort(upload) => tokio::select! {
            biased;
            end = abort(shared, upload) => end,
            () = stopped_for_long(shared, stop) => (JobOutcome::Skipped, Afterwards::Leave),
        },
    }
}

async fn hash(shared: &Shared, object: &PinnedObject, epoch: u64) -> (JobOutcome, Afterwards) {
    let outcome = match shared.storage.hash(object).await {
        Ok(outcome) => outcome,
        Err(error) => return (WorkError::Storage(error).into(), Afterwards::Release),
    };
    let done = JobOutcome::Done(Finished::Hashed(outcome));
    let HashOutcome::Hashed(digest) = outcome else {
        return (done, Afterwards::Release);
    };
    let recorded = shared.ledger.record_digest(object, epoch, digest).await;
    let end = match recorded {
        Ok(true) => done,
        Ok(false) => JobOutcome::Skipped,
        Err(error) => WorkError::Catalog(error).into(),
    };
    (end, Afterwards::Gone)
}

async fn verify(shared: &Shared, order: &VerificationOrder, epoch: u64) -> JobOutcome {
    let (storage, catalog) = (&*shared.storage, &*shared.catalog);
    let verified = verify_object(storage, catalog, &*shared.clock, order, Some(epoch)).await;
    match verified {
        Ok(WorkProgress::Done(verification)) => JobOutcome::Done(Finished::Verified(verification)),
        Ok(WorkProgress::Pending) => JobOutcome::Skipped,
        Err(error) => error.into(),
    }
}

/// Completes, unless an object is there: the answer to an earlier completion may have been lost.
async fn complete(
    shared: &Shared,
    upload: &OpenUpload,
    parts: &[DeclaredPart],
) -> (JobOutcome, Afterwards) {
    let done = |outcome| JobOutcome::Done(Finished::Completed(outcome));
    let failed = |error: StorageError| JobOutcome::from(WorkError::Storage(error));
    match shared.storage.stat(&upload.address).await {
        Ok(None) => {}
        Ok(Some(_)) => return (done(CompletionOutcome::Completed), Afterwards::Release),
        Err(error) => return (failed(error), Afterwards::Release),
    }
    match shared.storage.complete(upload, parts).await {
        Ok(outcome) => (done(outcome), Afterwards::Release),
        // the store may have begun: another completion beside it could go wrong
        Err(error) => (failed(error), Afterwards::Leave),
    }
}

async fn abort(shared: &Shared, upload: &OpenUpload) -> (JobOutcome, Afterwards) {
    let end = match abort_unless_completed(&*shared.storage, upload).await {
        Ok(outcome) => JobOutcome::Done(Finished::Aborted(outcome)),
        Err(error) => WorkError::Storage(error).into(),
    };
    (end, Afterwards::Release)
}

/// Resolves when the worker is stopped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // a dropped sender stops it too
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Resolves when the worker was stopped as long ago as a caller waits.
async fn stopped_for_long(shared: &Shared, stop: &mut watch::Receiver<bool>) {
    stopped(stop).await;
    sleep(shared.settings.wait_timeout).await;
}

/// Renews the lease, and resolves once it is lost: taken over, or expired while the catalogue did not
/// answer.
async fn lost(shared: &Shared, work: &Work, mut lease: Lease) {
    let ttl = shared.settings.lease;
    let (scope, asset) = work.asset();
    loop {
        sleep(ttl / 3).await;
        let now = shared.clock.now();
        let renewal = shared
            .ledger
            .renew_work(scope, asset, lease.epoch, now, ttl);
        match renewal.await {
            Ok(true) => lease.until = now.saturating_add(ttl),
            Ok(false) => return,
            Err(_) if now >= lease.until => return,
            Err(_) => {}
        }
    }
}
