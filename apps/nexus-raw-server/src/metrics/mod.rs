//! The metrics of this process, in the text format of Prometheus; some are sampled from the
//! catalogue every few seconds. `docs/OPERATIONS.md` documents names and labels.
//!
//! No label contains a tenant, a user or a path. All values are constants of the program, so the
//! number of series is bounded.

mod calls;
mod catalog;
mod connections;
mod coverage;
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
use nexus_raw_hasher::TokioObjectWorker;
use nexus_raw_storage_s3::ClockOffset;
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use self::{
    calls::Calls,
    catalog::LeaseExpiry,
    connections::Listeners,
    registration::{NameAndHelp, Registration},
    sinks::MeasuredSink,
    storage::MeasuredStorage,
};
pub(crate) use self::{
    connections::ListenerMetrics,
    coverage::CoverageSampler,
    requests::{PREFLIGHT, Requests, UNMATCHED},
    sampler::Sampler,
};
use crate::feed::Feed;

/// The media type of [`Metrics::render`].
pub(crate) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// A floating-point gauge.
type FloatGauge = Gauge<f64, AtomicU64>;
pub(crate) type IntGauge = Gauge<i64, AtomicI64>;

/// The metrics of the process. Cheap to clone.
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
    open_intents: IntGauge,
    open_intents_bytes: IntGauge,
    corrupt_assets: IntGauge,
    verified_share: FloatGauge,
    sampled: FloatGauge,
    leader: IntGauge,
    lease_expiry: LeaseExpiry,
    clock: Arc<dyn Clock>,
    open_uploads: IntGauge,
    hashing_jobs: IntGauge,
    waiting: IntGauge,
    clock_offset: IntGauge,
    /// Values in memory that are read at each scrape.
    live: OnceLock<(TokioObjectWorker, Feed, ClockOffset)>,
}

/// The labels of a sink.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkLabels {
    sink: String,
}

/// The labels of a failed delivery.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkFailureLabels {
    sink: String,
    reason: &'static str,
}

/// The labels of a group of writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupLabels {
    outcome: &'static str,
}

struct Groups {
    calls: Histogram,
    seconds: Family<GroupLabels, Histogram, fn() -> Histogram>,
}

struct Outbox {
    undelivered: Family<SinkLabels, IntGauge>,
    oldest_age: Family<SinkLabels, FloatGauge>,
    parked: Family<SinkLabels, IntGauge>,
}

struct Sinks {
    events: Family<SinkLabels, Counter>,
    failures: Family<SinkFailureLabels, Counter>,
    seconds: Family<SinkLabels, Histogram, fn() -> Histogram>,
}

/// Buckets in seconds for calls within a request, whose default timeout is 10 s.
const SHORT: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Buckets in seconds for calls that may read gigabytes.
const LONG: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
    600.0,
];
/// Buckets for the calls of a transaction, 256 at most.
const GROUP: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

fn short() -> Histogram {
    Histogram::new(SHORT)
}

fn long() -> Histogram {
    Histogram::new(LONG)
}

impl Metrics {
    /// Creates the metrics of a process that starts now.
    #[must_use]
    pub fn new(clock: &Arc<dyn Clock>) -> Self {
        Self::describe(clock).0
    }

    /// The same, with the names and kinds of all metrics.
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
                    "Events that the sink has accepted from this process",
                ),
                failures: of.counters("sink_failures", "Failed deliveries"),
                seconds: of.histograms(
                    "sink_delivery_duration_seconds",
                    "Duration of deliveries of a batch",
                    short,
                ),
            },
            open_intents: of.gauge(
                "open_intents",
                "Intents that are not registered, including expired ones until they are closed",
            ),
            open_intents_bytes: of.gauge(
                "open_intents_bytes",
                "Total size of the intents that are not registered",
            ),
            corrupt_assets: of.gauge(
                "corrupt_assets",
                "Registered assets whose latest verification found another content, or none",
            ),
            verified_share: of.gauge(
                "verified_assets_ratio",
                "Share of the registered assets that were registered or verified in the last 30 days; \
                 NaN until they are counted",
            ),
            sampled: of.gauge(
                "sampled_timestamp_seconds",
                "Time of the last successful sampling of the catalogue",
            ),
            leader: of.gauge("relay_leader", "1 while this process relays events"),
            lease_expiry: LeaseExpiry::default(),
            clock: Arc::clone(clock),
            open_uploads: of.gauge(
                "open_uploads",
                "Uploads in parts that the object store listed as open when it was last asked",
            ),
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
        // nothing is known yet
        inner.verified_share.set(f64::NAN);
        let (registry, described) = of.finish();
        (Self(Arc::new(Inner { registry, ..inner })), described)
    }

    /// Reads these at each scrape from now on.
    pub(crate) fn watch(&self, hashing: TokioObjectWorker, feed: Feed, clock_offset: ClockOffset) {
        // a process starts once
        let _ = self.0.live.set((hashing, feed, clock_offset));
    }

    /// Renders all metrics in the text format 0.0.4 of Prometheus, without I/O.
    pub(crate) fn render(&self) -> Result<String, fmt::Error> {
        if let Some((hashing, feed, clock_offset)) = self.0.live.get() {
            self.0.hashing_jobs.set(whole(hashing.jobs()));
            self.0.waiting.set(whole(feed.waiting()));
            self.0.clock_offset.set(clock_offset.seconds().unwrap_or(0));
        }
        let leads = self.0.lease_expiry.is_after(self.0.clock.now());
        self.0.leader.set(i64::from(leads));
        let mut text = String::with_capacity(16 * 1024);
        prometheus_text::encode(&mut text, &self.0.registry)?;
        Ok(text)
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.0.requests
    }

    /// Returns the metrics of the named listener.
    pub(crate) fn listener(&self, name: &'static str) -> ListenerMetrics {
        self.0.listeners.named(name)
    }

    /// Returns the gauge of open uploads in parts.
    pub(crate) fn open_uploads(&self) -> IntGauge {
        self.0.open_uploads.clone()
    }

    /// Wraps the store to measure its calls.
    pub(crate) fn storage(
        &self,
        inner: Arc<dyn RawStorageRepository>,
    ) -> Arc<dyn RawStorageRepository> {
        Arc::new(MeasuredStorage::new(inner, self.0.storage.clone()))
    }

    /// Wraps a sink to measure its deliveries.
    pub(crate) fn sink(&self, inner: Arc<dyn DatasetEventSink>) -> Arc<dyn DatasetEventSink> {
        Arc::new(MeasuredSink::new(inner, &self.0.sinks))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl SinkLabels {
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

/// Converts to seconds since 1970.
#[expect(
    clippy::cast_precision_loss,
    reason = "a microsecond in half a century is below 2^53"
)]
fn unix_seconds(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 1e6
}
