use std::{sync::Arc, time::Duration};

use nexus_raw::{
    ports::{Clock, IdentityVerifier},
    tenancy::Environments,
};
use slog::Logger;
use tokio::sync::watch;

use super::CorsOrigins;
use crate::{
    admission::Limits,
    http::respond::Answers,
    life_cycle::{Core, Dependency, Phase},
    metrics::Metrics,
};

/// The state that requests share.
#[derive(Clone)]
pub struct AppState {
    /// Authenticates callers.
    pub identity: Arc<dyn IdentityVerifier>,
    /// The known environments.
    pub environments: Environments,
    /// The rate limits.
    pub limits: Limits,
    /// The budget of responses in flight.
    pub answers: Answers,
    /// The allowed origins.
    pub cors: CorsOrigins,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The timeout of a request, from its head to its response.
    pub request_timeout: Duration,
    /// The maximum age of the oldest undelivered event.
    pub max_lag: Duration,
    /// The metrics.
    pub metrics: Metrics,
    /// The logger of requests.
    pub log: Logger,
    /// The phase of the process.
    pub phase: watch::Receiver<Phase>,
}

impl AppState {
    /// Returns the started service, or the dependency that the start waits for.
    pub(crate) fn core(&self) -> Result<Arc<Core>, Dependency> {
        match &*self.phase.borrow() {
            Phase::Waiting(dependency) => Err(*dependency),
            Phase::Started(core) | Phase::Draining(core) => Ok(Arc::clone(core)),
        }
    }

    /// Returns whether the shutdown has begun.
    pub(crate) fn is_draining(&self) -> bool {
        matches!(&*self.phase.borrow(), Phase::Draining(_))
    }
}
