#![doc = include_str!("../README.md")]

mod job;
mod jobs;
mod settings;
#[cfg(test)]
mod tests;
mod work;

use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    asset::{DeclaredPart, Verification},
    ports::{
        AbortOutcome, AssetCatalog, CatalogError, Clock, CompletionOutcome, HashOutcome,
        ObjectWorker, OpenUpload, PinnedObject, RawStorageRepository, StorageError, Urgency,
        VerificationOrder, WorkError, WorkLedger, WorkProgress,
    },
};
use slog::Logger;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
    time::timeout,
};
use uuid::Uuid;

pub use self::settings::WorkerSettings;
use self::{
    job::{Job, JobOutcome},
    jobs::{Admission, Jobs},
    work::{Finished, Order, Work},
};

/// The worker of the service. A clone is another handle.
#[derive(Debug, Clone)]
pub struct TokioObjectWorker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    storage: Arc<dyn RawStorageRepository>,
    catalog: Arc<dyn AssetCatalog>,
    ledger: Arc<dyn WorkLedger>,
    clock: Arc<dyn Clock>,
    /// The owner of claims: this process.
    owner: Uuid,
    settings: WorkerSettings,
    log: Logger,
    /// A runtime that outlives requests, unlike that of a worker.
    runtime: Handle,
    jobs: Jobs,
    /// Slots of hashing with waiting callers, so that large objects do not delay small ones.
    awaited: Semaphore,
    background: Semaphore,
    /// Every job has a receiver, to be stopped, and to know when all have ended.
    stopping: watch::Sender<bool>,
}

/// The error of a task that panicked.
#[derive(Debug, thiserror::Error)]
#[error("task panicked")]
struct WorkPanicked;

/// A failure, shared by all waiters.
#[derive(Debug, thiserror::Error)]
#[error("work on the object failed")]
struct SharedFailure(#[source] Arc<WorkError>);

impl TokioObjectWorker {
    /// Creates a worker whose tasks run on the current tokio runtime.
    ///
    /// `catalog` and `ledger` are ports of the same catalogue. `owner` is unique to the process. Each
    /// job is logged.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new(
        storage: Arc<dyn RawStorageRepository>,
        catalog: Arc<dyn AssetCatalog>,
        ledger: Arc<dyn WorkLedger>,
        clock: Arc<dyn Clock>,
        owner: Uuid,
        settings: WorkerSettings,
        log: Logger,
    ) -> Self {
        Self(Arc::new(Shared {
            storage,
            catalog,
            ledger,
            clock,
            owner,
            settings,
            log,
            runtime: Handle::current(),
            jobs: Jobs::default(),
            awaited: Semaphore::new(settings.awaited_at_once),
            background: Semaphore::new(settings.background_at_once),
            stopping: watch::Sender::new(false),
        }))
    }

    /// Stops all jobs and waits until their claims are released. Later requests start no job.
    ///
    /// A completion or an abort that the store has begun is awaited for at most
    /// [`WorkerSettings::wait_timeout`]; the claim on one that takes longer expires by itself.
    pub async fn stop(&self) {
        self.0.stopping.send_replace(true);
        self.0.stopping.closed().await;
    }

    /// Returns the number of running and waiting jobs.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.0.jobs.count()
    }

    /// Returns the receiver of the job's outcome. `None` if no job is started: other work on the
    /// asset is under way, there are too many jobs, or the worker is stopping.
    fn join(&self, work: Work, urgency: Urgency) -> Option<watch::Receiver<Option<JobOutcome>>> {
        let shared = &self.0;
        let stop = shared.stopping.subscribe();
        if *stop.borrow() {
            return None;
        }
        match Jobs::enter(shared, &work) {
            Admission::Joined(outcome) => Some(outcome),
            Admission::Refused => None,
            Admission::Entered(entry, outcome) => {
                let job = Job::new(Arc::clone(shared), Order { work, urgency }, stop);
                shared
                    .runtime
                    .spawn(async move { entry.complete(job.run().await) });
                Some(outcome)
            }
        }
    }

    /// Waits for the outcome of the work, begun here where it is not under way; `None` while it is
    /// not done, or for a caller that does not wait.
    async fn finished(&self, work: Work, urgency: Urgency) -> Result<Option<Finished>, WorkError> {
        let Some(mut outcome) = self.join(work, urgency) else {
            return Ok(None);
        };
        if urgency == Urgency::Background {
            return Ok(None);
        }
        let end = match outcome.wait_for(Option::is_some).await {
            Ok(end) => end.clone(),
            Err(_) => None,
        };
        match end {
            Some(JobOutcome::Done(finished)) => Ok(Some(finished)),
            Some(JobOutcome::Skipped) => Ok(None),
            Some(JobOutcome::Failed(error)) => Err(shared_failure(error)),
            None => Err(StorageError::Unavailable(Box::new(WorkPanicked)).into()),
        }
    }

    async fn digest_or_join(
        &self,
        object: PinnedObject,
        urgency: Urgency,
    ) -> Result<Option<Finished>, WorkError> {
        if let Some(digest) = self.0.ledger.known_digest(&object).await? {
            return Ok(Some(Finished::Hashed(HashOutcome::Hashed(digest))));
        }
        self.finished(Work::Hash(object), urgency).await
    }

    /// Waits no longer than a caller may; a started job continues.
    async fn in_time(
        &self,
        finished: impl Future<Output = Result<Option<Finished>, WorkError>>,
    ) -> Result<Option<Finished>, WorkError> {
        let limit = self.0.settings.wait_timeout;
        timeout(limit, finished).await.unwrap_or(Ok(None))
    }
}

#[async_trait]
impl ObjectWorker for TokioObjectWorker {
    async fn digest(
        &self,
        object: PinnedObject,
        urgency: Urgency,
    ) -> Result<WorkProgress<HashOutcome>, WorkError> {
        let finished = self.in_time(self.digest_or_join(object, urgency)).await?;
        Ok(match finished {
            Some(Finished::Hashed(outcome)) => WorkProgress::Done(outcome),
            _ => WorkProgress::Pending,
        })
    }

    async fn complete(
        &self,
        upload: OpenUpload,
        parts: Vec<DeclaredPart>,
    ) -> Result<WorkProgress<CompletionOutcome>, WorkError> {
        let work = Work::Complete(upload, parts);
        let finished = self.in_time(self.finished(work, Urgency::Awaited)).await?;
        Ok(match finished {
            Some(Finished::Completed(outcome)) => WorkProgress::Done(outcome),
            _ => WorkProgress::Pending,
        })
    }

    async fn abort(&self, upload: OpenUpload) -> Result<WorkProgress<AbortOutcome>, WorkError> {
        let work = Work::Abort(upload);
        let finished = self.in_time(self.finished(work, Urgency::Awaited)).await?;
        Ok(match finished {
            Some(Finished::Aborted(outcome)) => WorkProgress::Done(outcome),
            _ => WorkProgress::Pending,
        })
    }

    async fn verify(
        &self,
        order: VerificationOrder,
        urgency: Urgency,
    ) -> Result<WorkProgress<Verification>, WorkError> {
        let finished = self.finished(Work::Verify(order), urgency);
        Ok(match self.in_time(finished).await? {
            Some(Finished::Verified(verification)) => WorkProgress::Done(verification),
            _ => WorkProgress::Pending,
        })
    }
}

fn shared_failure(error: Arc<WorkError>) -> WorkError {
    let is_of_the_store = matches!(&*error, WorkError::Storage(_));
    let outcome = Box::new(SharedFailure(error));
    if is_of_the_store {
        StorageError::Unavailable(outcome).into()
    } else {
        CatalogError::Unavailable(outcome).into()
    }
}
