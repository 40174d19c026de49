#![doc = include_str!("../README.md")]

mod job;
mod jobs;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::ports::{
    Clock, DigestLedger, HashOutcome, HashingError, HashingProgress, ObjectHasher, PinnedObject,
    RawStorageRepository, StorageError, Urgency,
};
use slog::Logger;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
    time::timeout,
};
use uuid::Uuid;

pub use self::settings::HashingSettings;
use self::{
    job::{Job, JobOutcome},
    jobs::{Admission, Jobs},
};

/// The hasher of the service. A clone is another handle.
#[derive(Debug, Clone)]
pub struct TokioObjectHasher(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    storage: Arc<dyn RawStorageRepository>,
    ledger: Arc<dyn DigestLedger>,
    clock: Arc<dyn Clock>,
    /// The owner of claims: this process.
    owner: Uuid,
    settings: HashingSettings,
    log: Logger,
    /// A runtime that outlives requests, unlike that of a worker.
    runtime: Handle,
    jobs: Jobs,
    /// Slots of jobs with waiting callers, so that large objects do not delay small ones.
    awaited: Semaphore,
    background: Semaphore,
    /// Every job has a receiver, to be stopped, and to know when all have ended.
    stopping: watch::Sender<bool>,
}

/// The error of a task that panicked.
#[derive(Debug, thiserror::Error)]
#[error("hashing task panicked")]
struct HashingPanicked;

/// A failure, shared by all waiters.
#[derive(Debug, thiserror::Error)]
#[error("object hashing failed")]
struct SharedFailure(#[source] Arc<HashingError>);

impl TokioObjectHasher {
    /// Creates a hasher whose tasks run on the current tokio runtime.
    ///
    /// `owner` is unique to the process. Each job is logged.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new(
        storage: Arc<dyn RawStorageRepository>,
        ledger: Arc<dyn DigestLedger>,
        clock: Arc<dyn Clock>,
        owner: Uuid,
        settings: HashingSettings,
        log: Logger,
    ) -> Self {
        Self(Arc::new(Shared {
            storage,
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
    pub async fn stop(&self) {
        self.0.stopping.send_replace(true);
        self.0.stopping.closed().await;
    }

    /// Returns the number of running and waiting jobs.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.0.jobs.count()
    }

    /// Returns the receiver of the job's outcome. `None` if no job is started: another object of
    /// the asset is in work, there are too many jobs, or the hasher is stopping.
    fn join(
        &self,
        object: PinnedObject,
        urgency: Urgency,
    ) -> Option<watch::Receiver<Option<JobOutcome>>> {
        let shared = &self.0;
        let stop = shared.stopping.subscribe();
        if *stop.borrow() {
            return None;
        }
        match Jobs::enter(shared, &object) {
            Admission::Joined(outcome) => Some(outcome),
            Admission::Refused => None,
            Admission::Entered(entry, outcome) => {
                let job = Job::new(Arc::clone(shared), object, urgency, stop);
                shared
                    .runtime
                    .spawn(async move { entry.complete(job.run().await) });
                Some(outcome)
            }
        }
    }

    async fn digest_or_join(
        &self,
        object: PinnedObject,
        urgency: Urgency,
    ) -> Result<HashingProgress, HashingError> {
        if let Some(digest) = self.0.ledger.known_digest(&object).await? {
            return Ok(HashingProgress::Done(HashOutcome::Hashed(digest)));
        }
        let Some(mut outcome) = self.join(object, urgency) else {
            return Ok(HashingProgress::Pending);
        };
        if urgency == Urgency::Background {
            return Ok(HashingProgress::Pending);
        }
        let end = match outcome.wait_for(Option::is_some).await {
            Ok(end) => end.clone(),
            Err(_) => None,
        };
        match end {
            Some(JobOutcome::Done(outcome)) => Ok(HashingProgress::Done(outcome)),
            Some(JobOutcome::Skipped) => Ok(HashingProgress::Pending),
            Some(JobOutcome::Failed(error)) => Err(shared_failure(error)),
            None => Err(StorageError::Unavailable(Box::new(HashingPanicked)).into()),
        }
    }
}

#[async_trait]
impl ObjectHasher for TokioObjectHasher {
    async fn digest(
        &self,
        object: PinnedObject,
        urgency: Urgency,
    ) -> Result<HashingProgress, HashingError> {
        let limit = self.0.settings.wait_timeout;
        // a started job continues after the timeout
        timeout(limit, self.digest_or_join(object, urgency))
            .await
            .unwrap_or(Ok(HashingProgress::Pending))
    }
}

fn shared_failure(error: Arc<HashingError>) -> HashingError {
    let is_of_the_store = matches!(&*error, HashingError::Storage(_));
    let outcome = Box::new(SharedFailure(error));
    if is_of_the_store {
        StorageError::Unavailable(outcome).into()
    } else {
        nexus_raw::ports::CatalogError::Unavailable(outcome).into()
    }
}
