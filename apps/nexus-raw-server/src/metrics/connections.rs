use std::fmt;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use super::{IntGauge, registration::Registration, whole};

/// The labels of a listener.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    listener: &'static str,
}

/// The labels of an unreadable request head.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UnreadableLabels {
    listener: &'static str,
    status: u16,
}

/// The connection metrics of all listeners.
pub(super) struct Listeners {
    open: Family<ListenerLabels, IntGauge>,
    most: Family<ListenerLabels, IntGauge>,
    closed: Family<ListenerLabels, Counter>,
    unreadable: Family<UnreadableLabels, Counter>,
}

/// The metrics of one listener. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ListenerMetrics {
    name: &'static str,
    open: IntGauge,
    most: IntGauge,
    closed: Counter,
    unreadable: Family<UnreadableLabels, Counter>,
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

    pub(super) fn named(&self, listener: &'static str) -> ListenerMetrics {
        let name = ListenerLabels { listener };
        ListenerMetrics {
            name: listener,
            open: self.open.get_or_create(&name).clone(),
            most: self.most.get_or_create(&name).clone(),
            closed: self.closed.get_or_create(&name).clone(),
            unreadable: self.unreadable.clone(),
        }
    }
}

impl ListenerMetrics {
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

    /// Counts a request head that was rejected with `status`.
    pub(crate) fn unreadable(&self, status: u16) {
        let of = UnreadableLabels {
            listener: self.name,
            status,
        };
        self.unreadable.get_or_create(&of).inc();
    }
}

impl fmt::Debug for ListenerMetrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("ListenerMetrics")
            .field(&self.name)
            .finish()
    }
}
