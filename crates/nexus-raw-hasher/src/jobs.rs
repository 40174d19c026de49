use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nexus_raw::{asset::AssetId, ports::PinnedObject, tenancy::Scope};
use tokio::sync::watch;

use super::{Shared, job::End};

/// How many objects may be in work or wait for their turn. Each is a task of a few kilobytes.
const MOST: usize = 1024;

type Key = (Scope, AssetId);
type Told = watch::Receiver<Option<End>>;

/// What this process hashes, or is about to: one job an asset.
#[derive(Default)]
pub(super) struct Jobs(Mutex<HashMap<Key, (PinnedObject, Told)>>);

/// What came of asking for a place among the jobs.
pub(super) enum Place {
    /// A new one: whoever gets it does the work.
    Entered(Entry, Told),
    /// Another caller's, of the same object.
    Taken(Told),
    /// None.
    Refused,
}

impl Jobs {
    pub(super) fn enter(shared: &Arc<Shared>, object: &PinnedObject) -> Place {
        let key = (object.scope.clone(), object.asset_id);
        let mut jobs = shared.jobs.lock();
        if let Some((in_work, told)) = jobs.get(&key) {
            return if in_work == object {
                Place::Taken(told.clone())
            } else {
                Place::Refused
            };
        }
        if jobs.len() >= MOST {
            return Place::Refused;
        }
        let (tell, told) = watch::channel(None);
        jobs.insert(key.clone(), (object.clone(), told.clone()));
        let entry = Entry {
            shared: Arc::clone(shared),
            key,
            tell,
        };
        Place::Entered(entry, told)
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (PinnedObject, Told)>> {
        // nothing is left half done where the lock is held
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the jobs, free again when it is dropped.
pub(super) struct Entry {
    shared: Arc<Shared>,
    key: Key,
    tell: watch::Sender<Option<End>>,
}

impl Entry {
    /// Tells all who wait how it ended. The place is free by then, so that whoever asks next
    /// does not find a job that is over.
    pub(super) fn tell(self, end: End) {
        self.shared.jobs.lock().remove(&self.key);
        self.tell.send_replace(Some(end));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.shared.jobs.lock().remove(&self.key);
    }
}
