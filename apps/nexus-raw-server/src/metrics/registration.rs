use std::{fmt::Debug, hash::Hash};

use nexus_raw::time::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Metric, Registry},
};

use super::{Float, unix_seconds};

const PREFIX: &str = "nexus_raw";

/// The name of a metric as Prometheus reads it, and its kind.
pub(super) type NameAndHelp = (String, &'static str);

/// Puts metrics into a registry, each under the service's prefix.
pub(super) struct Registration {
    registry: Registry,
    described: Vec<NameAndHelp>,
}

/// What tells the series of a metric apart.
pub(super) trait Labels:
    EncodeLabelSet + Clone + Eq + Hash + Send + Sync + Debug + 'static
{
}

impl<S: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + Debug + 'static> Labels for S {}

impl Registration {
    /// Begins with what every process tells of itself.
    pub(super) fn new(began: Timestamp) -> Self {
        let mut this = Self {
            registry: Registry::default(),
            described: Vec::new(),
        };
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        this.add("build", "_info", "gauge", "Which version this is", build);
        let start = Float::default();
        start.set(unix_seconds(began));
        // every exporter gives it this name, without a prefix
        let name = "process_start_time_seconds";
        this.registry
            .register(name, "When the process began", start);
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

    /// Counters of this name with `_total` at its end.
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

    /// `ending` is what the library puts at the end of a name of this kind.
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
