//! The sections of the configuration; each key is one line of a `section!`.

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

/// Lists the sections once, for the table of keys and for reading.
macro_rules! sections {
    ($($section:ident: $Keys:ty,)*) => {
        /// The keys of each section, in the order in which they are printed and documented.
        pub(crate) const KEYS: &[&[Key]] = &[$( <$Keys>::KEYS ),*];

        /// The values of all sections.
        pub(crate) struct Sections {
            $( pub(crate) $section: $Keys, )*
        }

        impl Sections {
            /// Reads every leaf by its own rule, and adds a fault for each invalid one.
            pub(crate) fn read(leaves: &mut Leaves<'_>) -> Self {
                Self { $( $section: <$Keys>::read(leaves), )* }
            }
        }
    };
}

sections! {
    http: http::Http,
    storage: storage::Storage,
    catalog: catalog::Catalog,
    identity: identity::Identity,
    tenancy: tenancy::Tenancy,
    limits: limits::Limits,
    events: events::Events,
    events_nats: events::EventsNats,
    events_http: events::EventsHttp,
    metrics: metrics::Metrics,
    log: log::Log,
    embedded: embedded::Embedded,
}
