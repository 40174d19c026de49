use std::fmt;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use super::{Whole, registration::Registration, whole};

/// Which listener it is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerName {
    listener: &'static str,
}

/// What a caller whose request could not be read was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Unreadable {
    listener: &'static str,
    status: u16,
}

/// The connections of all listeners.
pub(super) struct Listeners {
    open: Family<ListenerName, Whole>,
    most: Family<ListenerName, Whole>,
    closed: Family<ListenerName, Counter>,
    unreadable: Family<Unreadable, Counter>,
}

/// What is counted of one listener. A clone is another handle to it.
#[derive(Clone)]
pub(crate) struct OfListener {
    name: &'static str,
    open: Whole,
    most: Whole,
    closed: Counter,
    unreadable: Family<Unreadable, Counter>,
}

impl Listeners {
    pub(super) fn register(of: &mut Registration) -> Self {
        Self {
            open: of.gauges("http_connections", "Connections that are open"),
            most: of.gauges("http_connections_max", "Connections that may be open"),
            closed: of.counters(
                "http_connections_closed_for_room",
                "Idle connections closed to make room for new ones",
            ),
            unreadable: of.counters(
                "http_unreadable_heads",
                "Request heads rejected as unreadable or too slow",
            ),
        }
    }

    pub(super) fn named(&self, listener: &'static str) -> OfListener {
        let name = ListenerName { listener };
        OfListener {
            name: listener,
            open: self.open.get_or_create(&name).clone(),
            most: self.most.get_or_create(&name).clone(),
            closed: self.closed.get_or_create(&name).clone(),
            unreadable: self.unreadable.clone(),
        }
    }
}

impl OfListener {
    pub(crate) fn listener(&self) -> &'static str {
        self.name
    }

    pub(crate) fn has(&self, open: usize) {
        self.open.set(whole(open));
    }

    pub(crate) fn may_have(&self, most: usize) {
        self.most.set(whole(most));
    }

    pub(crate) fn closed_for_room(&self) {
        self.closed.inc();
    }

    /// A head could not be read, and was answered with `status`.
    pub(crate) fn unreadable(&self, status: u16) {
        let of = Unreadable {
            listener: self.name,
            status,
        };
        self.unreadable.get_or_create(&of).inc();
    }
}

impl fmt::Debug for OfListener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("OfListener").field(&self.name).finish()
    }
}
