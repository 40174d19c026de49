//! Whether what the service needs answers, looked up at most once in a while for all who ask.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, join},
};
use nexus_raw::{
    ports::{AssetCatalog, CatalogError, RawStorageRepository, SinkName, StorageError},
    time::Timestamp,
};
use tokio::{runtime::Handle, time::Instant};

/// How long what was looked up holds: nobody needs a token to ask.
pub const HOLDS: Duration = Duration::from_secs(1);

/// What does not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Unready {
    #[error("the object store is not ready")]
    Storage(#[source] Arc<StorageError>),
    #[error("the catalogue is not ready")]
    Catalog(#[source] Arc<CatalogError>),
    /// The task that looked ended before it had an answer.
    #[error("the check of store and catalogue was interrupted")]
    BrokenOff,
}

/// Looks store and catalogue up for all who ask whether the service is ready, and keeps how far
/// the delivery of events is. A clone is another handle to it.
#[derive(Clone)]
pub struct Readiness(Arc<Parts>);

struct Parts {
    storage: Arc<dyn RawStorageRepository>,
    catalog: Arc<dyn AssetCatalog>,
    holds: Duration,
    /// Where a look outlives the request that began it.
    runtime: Handle,
    look: Mutex<Option<Look>>,
    backlogs: Backlogs,
}

/// A look at store and catalogue that has begun, and its answer once there is one.
#[derive(Clone)]
struct Look {
    began: Instant,
    answer: Shared<BoxFuture<'static, Result<(), Unready>>>,
}

/// Since when each sink has not taken an event, as it was last looked up. A clone is another
/// handle to it.
#[derive(Debug, Clone, Default)]
pub struct Backlogs(Arc<Mutex<BTreeMap<SinkName, Option<Timestamp>>>>);

impl Readiness {
    /// Looks at `storage` and `catalog` in tasks of the current tokio runtime. An answer is given
    /// to all who ask within the time that it `holds` from the beginning of its look.
    #[must_use]
    pub fn new(
        storage: Arc<dyn RawStorageRepository>,
        catalog: Arc<dyn AssetCatalog>,
        backlogs: Backlogs,
        holds: Duration,
    ) -> Self {
        Self(Arc::new(Parts {
            storage,
            catalog,
            holds,
            runtime: Handle::current(),
            look: Mutex::default(),
            backlogs,
        }))
    }

    /// How far the delivery of events is.
    pub(crate) fn backlogs(&self) -> &Backlogs {
        &self.0.backlogs
    }

    /// Whether store and catalogue answer: as the look says that is under way, or one that was
    /// begun a short while ago, or a new one.
    pub(crate) async fn look(&self) -> Result<(), Unready> {
        let answer = {
            let mut look = locked(&self.0.look);
            let holds =
                |look: &&Look| look.answer.peek().is_none() || look.began.elapsed() < self.0.holds;
            match look.as_ref().filter(holds) {
                Some(look) => look.answer.clone(),
                None => look.insert(self.begin()).answer.clone(),
            }
        };
        answer.await
    }

    fn begin(&self) -> Look {
        let (storage, catalog) = (Arc::clone(&self.0.storage), Arc::clone(&self.0.catalog));
        let look = self.0.runtime.spawn(async move {
            let (storage, catalog) = join(storage.ready(), catalog.ready()).await;
            storage.map_err(|error| Unready::Storage(Arc::new(error)))?;
            catalog.map_err(|error| Unready::Catalog(Arc::new(error)))
        });
        Look {
            began: Instant::now(),
            answer: look
                .map(|looked| looked.unwrap_or(Err(Unready::BrokenOff)))
                .boxed()
                .shared(),
        }
    }
}

impl Backlogs {
    /// The oldest event that `sink` has not taken occurred at this time; `None` where there is
    /// none.
    pub fn note(&self, sink: &SinkName, oldest: Option<Timestamp>) {
        locked(&self.0).insert(sink.clone(), oldest);
    }

    /// The sink with the oldest event that was not taken, and when that occurred.
    pub(crate) fn oldest(&self) -> Option<(SinkName, Timestamp)> {
        let backlogs = locked(&self.0);
        let lagging = backlogs
            .iter()
            .filter_map(|(sink, oldest)| Some((sink, (*oldest)?)));
        let oldest = lagging.min_by_key(|(_, oldest)| *oldest);
        oldest.map(|(sink, oldest)| (sink.clone(), oldest))
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // nothing is left half done where it is locked
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Readiness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Readiness").finish_non_exhaustive()
    }
}
