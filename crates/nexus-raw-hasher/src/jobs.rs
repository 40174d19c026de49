use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nexus_raw::{asset::AssetId, tenancy::Scope};
use tokio::sync::watch;

use super::{Shared, job::JobOutcome, work::Work};

/// The maximum number of jobs, running or waiting. Each is a task of a few kilobytes.
const MAX_JOBS: usize = 1024;

type Key = (Scope, AssetId);
type OutcomeReceiver = watch::Receiver<Option<JobOutcome>>;

/// The jobs of this process, at most one per asset.
#[derive(Debug, Default)]
pub(super) struct Jobs(Mutex<HashMap<Key, (Work, OutcomeReceiver)>>);

/// The outcome of adding a job.
pub(super) enum Admission {
    /// A new job, which the caller must run.
    Entered(Entry, OutcomeReceiver),
    /// A running job of the same work.
    Joined(OutcomeReceiver),
    /// No job: other work on the asset is under way, or there are too many.
    Refused,
}

impl Jobs {
    pub(super) fn enter(shared: &Arc<Shared>, work: &Work) -> Admission {
        let (scope, asset) = work.asset();
        let key = (scope.clone(), asset);
        let mut jobs = shared.jobs.lock();
        if let Some((under_way, outcome)) = jobs.get(&key) {
            return if under_way.is_same_as(work) {
                Admission::Joined(outcome.clone())
            } else {
                Admission::Refused
            };
        }
        if jobs.len() >= MAX_JOBS {
            return Admission::Refused;
        }
        let (sender, outcome) = watch::channel(None);
        jobs.insert(key.clone(), (work.clone(), outcome.clone()));
        let entry = Entry {
            shared: Arc::clone(shared),
            key,
            sender,
        };
        Admission::Entered(entry, outcome)
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Work, OutcomeReceiver)>> {
        // no update under the lock can be left half done
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry of a job, removed when it is dropped.
pub(super) struct Entry {
    shared: Arc<Shared>,
    key: Key,
    sender: watch::Sender<Option<JobOutcome>>,
}

impl Entry {
    /// Reports the outcome to all waiters. Removes the entry first, so that the next caller does
    /// not find a finished job.
    pub(super) fn complete(self, end: JobOutcome) {
        self.shared.jobs.lock().remove(&self.key);
        self.sender.send_replace(Some(end));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.shared.jobs.lock().remove(&self.key);
    }
}
