use std::{fmt, sync::Arc, time::Duration};

use nexus_raw::{
    ports::{Clock, IdentityVerifier},
    service::RawStorageService,
    tenancy::Environments,
};
use slog::Logger;
use tokio::sync::watch;

use crate::{feed::Feed, metrics::Metrics, readiness::Readiness};

use super::{answers::Answers, cors::CorsOrigins, limits::Limits};

/// What every request can reach, from the moment the socket is bound.
#[derive(Clone)]
pub struct AppState {
    /// Who proves callers.
    pub identity: Arc<dyn IdentityVerifier>,
    /// Which environments there are.
    pub environments: Environments,
    /// How much each caller may ask.
    pub limits: Limits,
    /// How much of answers may be under way.
    pub answers: Answers,
    /// Whose pages may call from a browser.
    pub cors: CorsOrigins,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How long body and answer of one request may take together.
    pub request_timeout: Duration,
    /// How old the oldest undelivered event may be.
    pub max_lag: Duration,
    /// Where requests are counted.
    pub metrics: Metrics,
    /// Where a line goes for each request.
    pub log: Logger,
    /// How far the start is.
    pub phase: watch::Receiver<Phase>,
}

/// How far the start is. Requests are answered from the first phase on, with 503 until the last.
#[derive(Clone)]
pub enum Phase {
    /// Something that the service needs does not answer yet.
    Waiting(Dependency),
    /// All is there.
    Started(Arc<Core>),
    /// All is there, and nobody new is to come: the service is about to end.
    Draining(Arc<Core>),
}

/// What the service needs and does not have in itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependency {
    /// The object store.
    Storage,
    /// The catalogue.
    Catalog,
}

impl fmt::Display for Dependency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Storage => "object store",
            Self::Catalog => "catalogue",
        })
    }
}

/// The started service.
pub struct Core {
    /// The use cases.
    pub service: RawStorageService,
    /// Who waits for events.
    pub feed: Feed,
    /// Whether all that it needs answers, and events are delivered.
    pub readiness: Readiness,
}

impl AppState {
    /// The started service; until it is, what it waits for.
    pub(crate) fn core(&self) -> Result<Arc<Core>, Dependency> {
        match &*self.phase.borrow() {
            Phase::Waiting(dependency) => Err(*dependency),
            Phase::Started(core) | Phase::Draining(core) => Ok(Arc::clone(core)),
        }
    }

    /// Whether the service is about to end.
    pub(crate) fn is_draining(&self) -> bool {
        matches!(&*self.phase.borrow(), Phase::Draining(_))
    }
}
