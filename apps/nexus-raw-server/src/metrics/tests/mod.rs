mod document;
mod ports;
mod requests;
mod sampling;

use nexus_raw::ports::Clock;
use nexus_raw_testkit::{Exposition, FakeCatalog, FixedClock, sample};

use super::*;
use crate::readiness::Backlogs;

fn fixed() -> Arc<dyn Clock> {
    Arc::new(FixedClock::at(sample::now()))
}

fn metrics() -> Metrics {
    Metrics::new(&fixed())
}

fn read(metrics: &Metrics) -> Exposition {
    Exposition::parse(&metrics.render().unwrap()).unwrap()
}

fn sampler(metrics: &Metrics, catalog: &Arc<FakeCatalog>, clock: &Arc<FixedClock>) -> Sampler {
    Sampler {
        metrics: metrics.clone(),
        census: Arc::clone(catalog) as _,
        outbox: Arc::clone(catalog) as _,
        sinks: vec![sample::sink_name()],
        clock: Arc::clone(clock) as _,
        backlogs: Backlogs::default(),
    }
}
