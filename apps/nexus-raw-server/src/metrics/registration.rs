use std::{fmt::Debug, hash::Hash};

use nexus_raw::time::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Metric, Registry},
};

use super::{FloatGauge, unix_seconds};

const PREFIX: &str = "nexus_raw";

/// The full name of a metric, and its kind.
pub(super) type NameAndHelp = (String, &'static str);

/// Registers metrics under the service's prefix.
pub(super) struct Registration {
    registry: Registry,
    described: Vec<NameAndHelp>,
}

/// The labels of a metric's series.
pub(super) trait Labels:
    EncodeLabelSet + Clone + Eq + Hash + Send + Sync + Debug + 'static
{
}

impl<S: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + Debug + 'static> Labels for S {}

impl Registration {
    /// Starts with the metrics of the build and the process.
    pub(super) fn new(began: Timestamp) -> Self {
        let mut this = Self {
            registry: Registry::default(),
            described: Vec::new(),
        };
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        this.add("build", "_info", "gauge", "Version of the program", build);
        let start = FloatGauge::default();
        start.set(unix_seconds(began));
        // the conventional name, without a prefix
        let name = "process_start_time_seconds";
        this.registry
            .register(name, "Start time of the process", start);
        this.described.push((name.to_owned(), "gauge"));
        this
    }

    pub(super) fn finish(self) -> (Registry, Vec<NameAndHelp>) {
        (self.registry, self.described)
    }

    pub(super) fn gauge<N, A>(&mut self, name: &str, help: &str) -> Gauge<N, A>
    where
        Gauge<N, A>: Metric + Clone + Default,
    {
        let gauge = Gauge::default();
        self.add(name, "", "gauge", help, gauge.clone());
        gauge
    }

    pub(super) fn gauges<S: Labels, N, A>(
        &mut self,
        name: &str,
        help: &str,
    ) -> Family<S, Gauge<N, A>>
    where
        Family<S, Gauge<N, A>>: Metric,
        Gauge<N, A>: Default,
    {
        let family = Family::default();
        self.add(name, "", "gauge", help, family.clone());
        family
    }

    /// Registers counters; `_total` is appended to the name.
    pub(super) fn counters<S: Labels>(&mut self, name: &str, help: &str) -> Family<S, Counter> {
        let family = Family::default();
        self.add(name, "_total", "counter", help, family.clone());
        family
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: Histogram) -> Histogram {
        self.add(name, "", "histogram", help, histogram.clone());
        histogram
    }

    pub(super) fn histograms<S: Labels>(
        &mut self,
        name: &str,
        help: &str,
        make: fn() -> Histogram,
    ) -> Family<S, Histogram, fn() -> Histogram> {
        let family = Family::new_with_constructor(make);
        self.add(name, "", "histogram", help, family.clone());
        family
    }

    /// Registers a metric. `ending` is the suffix that the library appends for this kind.
    fn add(
        &mut self,
        name: &str,
        ending: &str,
        kind: &'static str,
        help: &str,
        metric: impl Metric,
    ) {
        let name = format!("{PREFIX}_{name}");
        self.described.push((format!("{name}{ending}"), kind));
        self.registry.register(name, help, metric);
    }
}
