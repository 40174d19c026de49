//! What is counted and measured of this process, and what is looked up for it every few seconds,
//! in the text that Prometheus reads. Names, labels and what follows from them are in
//! `docs/OPERATIONS.md`.
//!
//! No label has anything of a tenant, a user or a path: their values are names of the program's
//! own, so that there are never more series than it can have outcomes.

mod calls;
mod catalog;
mod connections;
mod registration;
mod requests;
mod sampler;
mod sinks;
mod storage;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicU64},
    },
};

use nexus_raw::{
    ports::{Clock, DatasetEventSink, RawStorageRepository, SinkName},
    time::Timestamp,
};
use nexus_raw_hasher::Hashing;
use nexus_raw_storage_s3::ClockOffset;
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use self::{
    calls::Calls,
    catalog::LeadsUntil,
    connections::Listeners,
    registration::{NameAndHelp, Registration},
    sinks::MeasuredSink,
    storage::MeasuredStorage,
};
pub(crate) use self::{
    connections::OfListener,
    requests::{PREFLIGHT, Requests, UNMATCHED},
    sampler::Sampler,
};
use crate::feed::Feed;

/// The media type of [`Metrics::render`].
pub(crate) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// A gauge with a fraction.
type Float = Gauge<f64, AtomicU64>;
type Whole = Gauge<i64, AtomicI64>;

/// Everything that is counted and measured. A clone is another handle to it.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Requests,
    listeners: Listeners,
    storage: Calls,
    catalog: Calls,
    groups: Groups,
    outbox: Outbox,
    sinks: Sinks,
    open_intents: Whole,
    open_intents_bytes: Whole,
    sampled: Float,
    leader: Whole,
    leads_until: LeadsUntil,
    clock: Arc<dyn Clock>,
    hashing_jobs: Whole,
    waiting: Whole,
    clock_offset: Whole,
    /// What is asked when it is scraped: it is in memory.
    live: OnceLock<(Hashing, Feed, ClockOffset)>,
}

/// A sink's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSink {
    sink: String,
}

/// Why a sink did not take an event, or none in time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkFailure {
    sink: String,
    reason: &'static str,
}

/// Whether a group of writes was committed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfGroup {
    outcome: &'static str,
}

struct Groups {
    calls: Histogram,
    seconds: Family<OfGroup, Histogram, fn() -> Histogram>,
}

struct Outbox {
    undelivered: Family<OfSink, Whole>,
    oldest_age: Family<OfSink, Float>,
    parked: Family<OfSink, Whole>,
}

struct Sinks {
    events: Family<OfSink, Counter>,
    failures: Family<SinkFailure, Counter>,
    seconds: Family<OfSink, Histogram, fn() -> Histogram>,
}

/// Seconds, for what a caller waits for: its own time ends at 10 unless configured.
const SHORT: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Seconds, where an object of gigabytes may be read.
const LONG: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
    600.0,
];
/// Calls that share a transaction, of which there are 256 at most.
const GROUP: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

fn short() -> Histogram {
    Histogram::new(SHORT)
}

fn long() -> Histogram {
    Histogram::new(LONG)
}

impl Metrics {
    /// Nothing counted yet, in a process that begins now.
    #[must_use]
    pub fn new(clock: &Arc<dyn Clock>) -> Self {
        Self::describe(clock).0
    }

    /// The same, and the names of all metrics.
    fn describe(clock: &Arc<dyn Clock>) -> (Self, Vec<NameAndHelp>) {
        let mut of = Registration::new(clock.now());
        let inner = Inner {
            requests: Requests::register(&mut of),
            listeners: Listeners::register(&mut of),
            storage: Calls::register(
                &mut of,
                "storage_call_duration_seconds",
                "Duration of calls to the object store",
                long,
            ),
            catalog: Calls::register(
                &mut of,
                "catalog_call_duration_seconds",
                "Duration of calls to the catalogue",
                short,
            ),
            groups: Groups {
                calls: of.histogram(
                    "catalog_group_calls",
                    "Number of calls in each transaction of the catalogue",
                    Histogram::new(GROUP),
                ),
                seconds: of.histograms(
                    "catalog_group_duration_seconds",
                    "Duration of transactions of the catalogue, including commit",
                    short,
                ),
            },
            outbox: Outbox {
                undelivered: of.gauges(
                    "outbox_undelivered_events",
                    "Events not yet delivered to the sink",
                ),
                parked: of.gauges("outbox_parked_events", "Events parked for the sink"),
                oldest_age: of.gauges(
                    "outbox_oldest_undelivered_age_seconds",
                    "Age of the oldest undelivered event of the sink; 0 if there is none",
                ),
            },
            sinks: Sinks {
                events: of.counters(
                    "sink_events",
                    "Events that the sink has taken from this process",
                ),
                failures: of.counters("sink_failures", "Deliveries that did not end well"),
                seconds: of.histograms(
                    "sink_delivery_duration_seconds",
                    "Duration of deliveries of a batch",
                    short,
                ),
            },
            open_intents: of.gauge(
                "open_intents",
                "Intents that are not registered, ended or not",
            ),
            open_intents_bytes: of.gauge(
                "open_intents_bytes",
                "Total of the upload intents that are not registered",
            ),
            sampled: of.gauge(
                "sampled_timestamp_seconds",
                "Time of the last successful sampling of the catalogue",
            ),
            leader: of.gauge("relay_leader", "1 while this process relays events"),
            leads_until: LeadsUntil::default(),
            clock: Arc::clone(clock),
            hashing_jobs: of.gauge(
                "hashing_jobs",
                "Objects hashed by this process, queued ones included",
            ),
            waiting: of.gauge("feed_waiting_requests", "Requests that wait for events"),
            clock_offset: of.gauge(
                "clock_offset_seconds",
                "Difference between this machine's clock and the object store's",
            ),
            live: OnceLock::new(),
            registry: Registry::default(),
        };
        let (registry, described) = of.finish();
        (Self(Arc::new(Inner { registry, ..inner })), described)
    }

    /// Has these be asked at each scrape, from now on.
    pub(crate) fn watch(&self, hashing: Hashing, feed: Feed, clock_offset: ClockOffset) {
        // a process starts once
        let _ = self.0.live.set((hashing, feed, clock_offset));
    }

    /// Everything, as Prometheus reads it (text format 0.0.4). Reaches for nothing.
    pub(crate) fn render(&self) -> Result<String, fmt::Error> {
        if let Some((hashing, feed, clock_offset)) = self.0.live.get() {
            self.0.hashing_jobs.set(whole(hashing.jobs()));
            self.0.waiting.set(whole(feed.waiting()));
            self.0.clock_offset.set(clock_offset.seconds().unwrap_or(0));
        }
        let leads = self.0.leads_until.is_after(self.0.clock.now());
        self.0.leader.set(i64::from(leads));
        let mut text = String::with_capacity(16 * 1024);
        prometheus_text::encode(&mut text, &self.0.registry)?;
        Ok(text)
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.0.requests
    }

    /// What is counted of the listener of this name.
    pub(crate) fn listener(&self, name: &'static str) -> OfListener {
        self.0.listeners.named(name)
    }

    /// The store, with each call measured.
    pub(crate) fn storage(
        &self,
        inner: Arc<dyn RawStorageRepository>,
    ) -> Arc<dyn RawStorageRepository> {
        Arc::new(MeasuredStorage::new(inner, self.0.storage.clone()))
    }

    /// A sink, with its deliveries counted and measured.
    pub(crate) fn sink(&self, inner: Arc<dyn DatasetEventSink>) -> Arc<dyn DatasetEventSink> {
        Arc::new(MeasuredSink::new(inner, &self.0.sinks))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl OfSink {
    fn named(sink: &SinkName) -> Self {
        Self {
            sink: sink.to_string(),
        }
    }
}

fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(number: usize) -> f64 {
    number as f64
}

/// Seconds since 1970.
#[expect(
    clippy::cast_precision_loss,
    reason = "a microsecond in half a century is below 2^53"
)]
fn unix_seconds(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 1e6
}
