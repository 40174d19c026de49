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
    job::{End, Job},
    jobs::{Jobs, Place},
};

/// The hasher of the service. A clone is another handle to it.
#[derive(Clone)]
pub struct Hashing(Arc<Shared>);

struct Shared {
    storage: Arc<dyn RawStorageRepository>,
    ledger: Arc<dyn DigestLedger>,
    clock: Arc<dyn Clock>,
    /// Under which claims are made: this process.
    owner: Uuid,
    settings: HashingSettings,
    log: Logger,
    /// Where tasks outlive the request that began them: a worker's own runtime ends with it.
    runtime: Handle,
    jobs: Jobs,
    /// Turns of those whose callers wait, so that no large object keeps a small one waiting.
    awaited: Semaphore,
    background: Semaphore,
    /// Every job has a receiver, so that it is told of the end, and the end is known of all.
    stopping: watch::Sender<bool>,
}

/// The task ended without telling: it panicked.
#[derive(Debug, thiserror::Error)]
#[error("the hashing of the object broke off")]
struct BrokenOff;

/// One failure, as each of those who waited is told of it.
#[derive(Debug, thiserror::Error)]
#[error("the object was not hashed")]
struct Together(#[source] Arc<HashingError>);

impl Hashing {
    /// A hasher whose tasks run on the current tokio runtime.
    ///
    /// `owner` names the process, and no other one. Each job is told to `log`.
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

    /// Has every hashing end and its claim given back, and waits for that. What is asked for
    /// later is not begun.
    pub async fn stop(&self) {
        self.0.stopping.send_replace(true);
        self.0.stopping.closed().await;
    }

    /// How many objects are in work, or wait for their turn.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.0.jobs.count()
    }

    /// Where the end of this object's hashing will be told. `None` when it is not begun now:
    /// another object of the asset is in work, there is too much to do, or the end is near.
    fn join(&self, object: PinnedObject, urgency: Urgency) -> Option<watch::Receiver<Option<End>>> {
        let shared = &self.0;
        let stop = shared.stopping.subscribe();
        if *stop.borrow() {
            return None;
        }
        match Jobs::enter(shared, &object) {
            Place::Taken(told) => Some(told),
            Place::Refused => None,
            Place::Entered(entry, told) => {
                let job = Job::new(Arc::clone(shared), object, urgency, stop);
                shared
                    .runtime
                    .spawn(async move { entry.tell(job.run().await) });
                Some(told)
            }
        }
    }

    async fn ask(
        &self,
        object: PinnedObject,
        urgency: Urgency,
    ) -> Result<HashingProgress, HashingError> {
        if let Some(digest) = self.0.ledger.known_digest(&object).await? {
            return Ok(HashingProgress::Done(HashOutcome::Hashed(digest)));
        }
        let Some(mut told) = self.join(object, urgency) else {
            return Ok(HashingProgress::Pending);
        };
        if urgency == Urgency::Background {
            return Ok(HashingProgress::Pending);
        }
        let end = match told.wait_for(Option::is_some).await {
            Ok(end) => end.clone(),
            Err(_) => None,
        };
        match end {
            Some(End::Done(outcome)) => Ok(HashingProgress::Done(outcome)),
            Some(End::Elsewhere) => Ok(HashingProgress::Pending),
            Some(End::Failed(error)) => Err(together(error)),
            None => Err(StorageError::Unavailable(Box::new(BrokenOff)).into()),
        }
    }
}

#[async_trait]
impl ObjectHasher for Hashing {
    async fn digest(
        &self,
        object: PinnedObject,
        urgency: Urgency,
    ) -> Result<HashingProgress, HashingError> {
        let patience = self.0.settings.patience;
        // what was begun goes on
        timeout(patience, self.ask(object, urgency))
            .await
            .unwrap_or(Ok(HashingProgress::Pending))
    }
}

fn together(error: Arc<HashingError>) -> HashingError {
    let is_of_the_store = matches!(&*error, HashingError::Storage(_));
    let told = Box::new(Together(error));
    if is_of_the_store {
        StorageError::Unavailable(told).into()
    } else {
        nexus_raw::ports::CatalogError::Unavailable(told).into()
    }
}
