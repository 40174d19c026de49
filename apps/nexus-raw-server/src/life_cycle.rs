//! The phases of the process, shared by the start and the routes.

use std::{fmt, sync::Arc};

use nexus_raw::service::RawStorageService;

use crate::{feed::Feed, readiness::Readiness, records::Records};

/// The phase of the process. Requests are served in every phase, with 503 before `Started`.
#[derive(Clone)]
pub enum Phase {
    /// Waiting for a dependency.
    Waiting(Dependency),
    /// Serving.
    Started(Arc<Core>),
    /// Serving but not ready, since the shutdown has begun.
    Draining(Arc<Core>),
}

/// An external dependency of the service.
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
    /// The records that were read lately.
    pub records: Records,
    /// The waiters for events.
    pub feed: Feed,
    /// The readiness of the dependencies and of event delivery.
    pub readiness: Readiness,
}
