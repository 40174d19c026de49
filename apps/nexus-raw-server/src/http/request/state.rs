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
