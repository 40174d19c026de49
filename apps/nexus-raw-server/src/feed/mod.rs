//! Waits for events on behalf of callers: however many wait for those of one scope, the catalogue
//! is asked once for all of them, when something was written there and twice a second otherwise.

mod places;
#[cfg(test)]
mod tests;
mod watch;

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

use self::places::Places;

/// How the service waits for events.
#[derive(Debug, Clone, Copy)]
pub struct FeedSettings {
    /// How long a scope that somebody waits for is not looked at, while nothing was written there
    /// by this process: others may have written.
    pub look_every: Duration,
    /// How many scopes are looked at at once: however many are waited for, most connections to the
    /// catalogue are left to requests.
    pub looks_at_once: usize,
    /// How many may wait at once.
    pub most: usize,
    /// How many of these may be one tenant's, whoever waits in it.
    pub most_of_tenant: usize,
    /// How many of these may be one user's, over all tenants.
    pub most_of_one: usize,
}

impl FeedSettings {
    /// Where no more connections than these may be open: each who waits has one, and half of them
    /// are left to others.
    #[must_use]
    pub fn within(connections: usize) -> Self {
        let usual = Self::default();
        let most = usual.most.min(connections / 2).max(1);
        let most_of_tenant = usual.most_of_tenant.min(most / 8).max(1);
        Self {
            most,
            most_of_tenant,
            most_of_one: usual.most_of_one.min(most_of_tenant),
            ..usual
        }
    }
}

impl Default for FeedSettings {
    fn default() -> Self {
        Self {
            look_every: Duration::from_millis(500),
            looks_at_once: 4,
            most: 1024,
            most_of_tenant: 128,
            most_of_one: 16,
        }
    }
}

/// Why a wait gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    /// Too many wait already.
    #[error("too many requests wait for events")]
    Full,
    /// The catalogue gave no answer, as all who waited for the scope are told.
    #[error("the catalogue could not be read")]
    Catalog(#[source] Arc<CatalogError>),
}

/// The waiting of all callers. A clone is another handle to it.
#[derive(Clone)]
pub struct Feed(Arc<Shared>);

struct Shared {
    catalog: Arc<dyn AssetCatalog>,
    settings: FeedSettings,
    /// Where a watch outlives the request that began it: a worker's own runtime ends with it.
    runtime: Handle,
    places: Places,
    /// Turns to look at a scope.
    turns: Semaphore,
}

impl Feed {
    /// Looks for events in `catalog`, in tasks of the current tokio runtime.
    #[must_use]
    pub fn new(catalog: Arc<dyn AssetCatalog>, settings: FeedSettings) -> Self {
        Self(Arc::new(Shared {
            catalog,
            settings,
            runtime: Handle::current(),
            places: Places::default(),
            turns: Semaphore::new(settings.looks_at_once),
        }))
    }

    /// Has every wait end at once with what there is, which is nothing, and each later one too.
    pub fn stop(&self) {
        self.0.places.close();
    }

    /// How many wait now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.places.waiting()
    }

    /// The events that are wanted, as soon as there are some; none at `until`, when `gone`
    /// resolves, or when the feed is stopped. The caller has looked before and found none.
    pub(crate) async fn wait(
        &self,
        access: &ReadAccess,
        query: &EventQuery,
        until: Instant,
        gone: impl Future<Output = ()>,
    ) -> Result<Vec<DatasetEvent>, FeedError> {
        let Some(mut place) = watch::enter(&self.0, access, query)? else {
            return Ok(Vec::new());
        };
        let told = tokio::select! {
            told = timeout_at(until, place.told()) => told.ok().flatten(),
            () = gone => None,
        };
        match told {
            Some(Ok(page)) => Ok(selected(query, &page)),
            Some(Err(error)) => Err(FeedError::Catalog(error)),
            None => Ok(Vec::new()),
        }
    }
}

impl CatalogObserver for Feed {
    fn written(&self, scope: &Scope) {
        self.0.places.wake(scope);
    }
}

/// What the query selects of a page that begins no later than its own first event.
fn selected(query: &EventQuery, page: &[DatasetEvent]) -> Vec<DatasetEvent> {
    let from = page.partition_point(|event| event.sequence <= query.after);
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    page[from..].iter().take(limit).cloned().collect()
}
