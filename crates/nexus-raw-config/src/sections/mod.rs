//! The sections of the configuration: each key is one line of a `section!`.

pub(crate) mod catalog;
pub(crate) mod embedded;
pub(crate) mod events;
mod forms;
pub(crate) mod http;
pub(crate) mod identity;
pub(crate) mod limits;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod storage;
pub(crate) mod tenancy;

use crate::key::Key;
use crate::leaves::Leaves;

/// The keys of each section, in the order in which they are printed and documented.
pub(crate) const KEYS: [&[Key]; 12] = [
    http::Http::KEYS,
    storage::Storage::KEYS,
    catalog::Catalog::KEYS,
    identity::Identity::KEYS,
    tenancy::Tenancy::KEYS,
    limits::Limits::KEYS,
    events::Events::KEYS,
    events::EventsNats::KEYS,
    events::EventsHttp::KEYS,
    metrics::Metrics::KEYS,
    log::Log::KEYS,
    embedded::Embedded::KEYS,
];

/// What the sources say, section by section.
pub(crate) struct Sections {
    pub(crate) http: http::Http,
    pub(crate) storage: storage::Storage,
    pub(crate) catalog: catalog::Catalog,
    pub(crate) identity: identity::Identity,
    pub(crate) tenancy: tenancy::Tenancy,
    pub(crate) limits: limits::Limits,
    pub(crate) events: events::Events,
    pub(crate) events_nats: events::EventsNats,
    pub(crate) events_http: events::EventsHttp,
    pub(crate) metrics: metrics::Metrics,
    pub(crate) log: log::Log,
    pub(crate) embedded: embedded::Embedded,
}

impl Sections {
    /// Reads every leaf by its own rule. One that fails is named in the faults.
    pub(crate) fn read(leaves: &mut Leaves<'_>) -> Self {
        Self {
            http: http::Http::read(leaves),
            storage: storage::Storage::read(leaves),
            catalog: catalog::Catalog::read(leaves),
            identity: identity::Identity::read(leaves),
            tenancy: tenancy::Tenancy::read(leaves),
            limits: limits::Limits::read(leaves),
            events: events::Events::read(leaves),
            events_nats: events::EventsNats::read(leaves),
            events_http: events::EventsHttp::read(leaves),
            metrics: metrics::Metrics::read(leaves),
            log: log::Log::read(leaves),
            embedded: embedded::Embedded::read(leaves),
        }
    }
}
