//! Long polling of events. All waiters of a scope that select the same types share one poll of the
//! catalogue, which runs after each write of this process and twice a second otherwise.

mod poller;
#[cfg(test)]
mod tests;
mod waiters;

use std::{sync::Arc, time::Duration};

use nexus_raw::{
    event::DatasetEvent,
    ports::{AssetCatalog, CatalogError, EventQuery},
    tenancy::{ReadAccess, Scope},
};
use nexus_raw_catalog_sql::CatalogObserver;
use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use self::waiters::Waiters;

/// The settings of long polling.
#[derive(Debug, Clone, Copy)]
pub struct FeedSettings {
    /// The interval between polls of a scope with waiters, for the writes of other processes.
    pub poll_interval: Duration,
    /// The maximum number of concurrent polls, so that most connections to the catalogue stay free
    /// for requests.
    pub max_polls: usize,
    /// The maximum number of waiters.
    pub max_waiters: usize,
    /// The maximum number of waiters of a tenant.
    pub max_per_tenant: usize,
    /// The maximum number of waiters of a user, over all tenants.
    pub max_per_user: usize,
}

impl FeedSettings {
    /// Returns settings for a limit of connections. Each waiter holds one, and half of them stay
    /// free.
    #[must_use]
    pub fn within(connections: usize) -> Self {
        let default = Self::default();
        let max_waiters = default.max_waiters.min(connections / 2).max(1);
        let max_per_tenant = default.max_per_tenant.min(max_waiters / 8).max(1);
        Self {
            max_waiters,
            max_per_tenant,
            max_per_user: default.max_per_user.min(max_per_tenant),
            ..default
        }
    }
}

impl Default for FeedSettings {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_millis(500),
            max_polls: 4,
            max_waiters: 1024,
            max_per_tenant: 128,
            max_per_user: 16,
        }
    }
}

/// The error of a wait.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    /// There are too many waiters.
    #[error("too many requests wait for events")]
    Full,
    /// The poll failed; all its waiters get this error.
    #[error("the catalogue could not be read")]
    Catalog(#[source] Arc<CatalogError>),
}

/// A handle to the waiters of all scopes. Cheap to clone.
#[derive(Clone)]
pub struct Feed(Arc<Shared>);

struct Shared {
    catalog: Arc<dyn AssetCatalog>,
    settings: FeedSettings,
    /// The runtime of pollers, which outlive the request and the worker's own runtime.
    runtime: Handle,
    waiters: Waiters,
    /// Limits concurrent polls.
    polls: Semaphore,
}

impl Feed {
    /// Polls `catalog` in tasks on the current tokio runtime.
    #[must_use]
    pub fn new(catalog: Arc<dyn AssetCatalog>, settings: FeedSettings) -> Self {
        Self(Arc::new(Shared {
            catalog,
            settings,
            runtime: Handle::current(),
            waiters: Waiters::default(),
            polls: Semaphore::new(settings.max_polls),
        }))
    }

    /// Ends every wait, now and later, without events.
    pub fn stop(&self) {
        self.0.waiters.close();
    }

    /// Returns the number of waiters.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiters.waiting()
    }

    /// Waits for events that match the query. Returns none at `until`, when `gone` resolves, or
    /// when the feed is stopped. The caller has already read and found none.
    pub(crate) async fn wait(
        &self,
        access: &ReadAccess,
        query: &EventQuery,
        until: Instant,
        gone: impl Future<Output = ()>,
    ) -> Result<Vec<DatasetEvent>, FeedError> {
        let Some(mut subscription) = poller::subscribe(&self.0, access, query)? else {
            return Ok(Vec::new());
        };
        let result = tokio::select! {
            result = timeout_at(until, subscription.result()) => result.ok().flatten(),
            () = gone => None,
        };
        match result {
            Some(Ok(page)) => Ok(selected(query, &page)),
            Some(Err(error)) => Err(FeedError::Catalog(error)),
            None => Ok(Vec::new()),
        }
    }
}

impl CatalogObserver for Feed {
    fn written(&self, scope: &Scope) {
        self.0.waiters.wake(scope);
    }
}

/// Returns the events of a page that match the query. The page begins no later than the query.
fn selected(query: &EventQuery, page: &[DatasetEvent]) -> Vec<DatasetEvent> {
    let from = page.partition_point(|event| event.sequence <= query.after);
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    page[from..].iter().take(limit).cloned().collect()
}
