//! How far the process is between its start and its end, as the routes and the start both know.

use std::{fmt, sync::Arc};

use nexus_raw::service::RawStorageService;

use crate::{feed::Feed, readiness::Readiness};

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
