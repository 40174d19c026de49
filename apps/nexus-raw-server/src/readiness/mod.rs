//! Readiness checks of the dependencies, cached and shared by all callers.

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

/// The lifetime of a check's result, since readiness needs no token.
pub const CHECK_TTL: Duration = Duration::from_secs(1);

/// The reason why the service is not ready.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Unready {
    #[error("the object store is not ready")]
    Storage(#[source] Arc<StorageError>),
    #[error("the catalogue is not ready")]
    Catalog(#[source] Arc<CatalogError>),
    /// The task of the check panicked or was cancelled.
    #[error("the check of store and catalogue was interrupted")]
    Interrupted,
}

/// The readiness of store and catalogue, and the backlogs of the sinks. Cheap to clone.
#[derive(Clone)]
pub struct Readiness(Arc<Parts>);

struct Parts {
    storage: Arc<dyn RawStorageRepository>,
    catalog: Arc<dyn AssetCatalog>,
    ttl: Duration,
    /// The runtime of checks, which outlive their request.
    runtime: Handle,
    check: Mutex<Option<Check>>,
    backlogs: Backlogs,
}

/// A check of store and catalogue, running or done.
#[derive(Clone)]
struct Check {
    began: Instant,
    result: Shared<BoxFuture<'static, Result<(), Unready>>>,
}

/// The time of each sink's oldest undelivered event, as last sampled. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Backlogs(Arc<Mutex<BTreeMap<SinkName, Option<Timestamp>>>>);

impl Readiness {
    /// Checks `storage` and `catalog` in tasks on the current tokio runtime. A result is shared for
    /// `ttl` from the start of its check.
    #[must_use]
    pub fn new(
        storage: Arc<dyn RawStorageRepository>,
        catalog: Arc<dyn AssetCatalog>,
        backlogs: Backlogs,
        ttl: Duration,
    ) -> Self {
        Self(Arc::new(Parts {
            storage,
            catalog,
            ttl,
            runtime: Handle::current(),
            check: Mutex::default(),
            backlogs,
        }))
    }

    /// Returns the backlogs of the sinks.
    #[must_use]
    pub fn backlogs(&self) -> &Backlogs {
        &self.0.backlogs
    }

    /// Returns the result of the running check, of a recent one, or of a new one.
    pub(crate) async fn check(&self) -> Result<(), Unready> {
        let result = {
            let mut check = locked(&self.0.check);
            let is_fresh =
                |it: &&Check| it.result.peek().is_none() || it.began.elapsed() < self.0.ttl;
            match check.as_ref().filter(is_fresh) {
                Some(check) => check.result.clone(),
                None => check.insert(self.begin()).result.clone(),
            }
        };
        result.await
    }

    fn begin(&self) -> Check {
        let (storage, catalog) = (Arc::clone(&self.0.storage), Arc::clone(&self.0.catalog));
        let check = self.0.runtime.spawn(async move {
            let (storage, catalog) = join(storage.ready(), catalog.ready()).await;
            storage.map_err(|error| Unready::Storage(Arc::new(error)))?;
            catalog.map_err(|error| Unready::Catalog(Arc::new(error)))
        });
        Check {
            began: Instant::now(),
            result: check
                .map(|checked| checked.unwrap_or(Err(Unready::Interrupted)))
                .boxed()
                .shared(),
        }
    }
}

impl Backlogs {
    /// Sets the time of the oldest undelivered event of `sink`, or `None` if there is none.
    pub fn note(&self, sink: &SinkName, oldest: Option<Timestamp>) {
        locked(&self.0).insert(sink.clone(), oldest);
    }

    /// Returns the sink with the oldest undelivered event, and the event's time.
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
    // no code under the lock can panic halfway
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Readiness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Readiness").finish_non_exhaustive()
    }
}
