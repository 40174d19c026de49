use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{DatasetEventSink, Delivery, SinkError, SinkName},
};
use prometheus_client::metrics::{counter::Counter, histogram::Histogram};

use super::{SinkFailureLabels, SinkLabels, Sinks};

/// A sink that measures its deliveries.
#[derive(Debug)]
pub(super) struct MeasuredSink {
    inner: Arc<dyn DatasetEventSink>,
    events: Counter,
    seconds: Histogram,
    unavailable: Counter,
    failed: Counter,
    refused: Counter,
    dropped: Counter,
}

impl MeasuredSink {
    pub(super) fn new(inner: Arc<dyn DatasetEventSink>, sinks: &Sinks) -> Self {
        let of = SinkLabels::named(inner.name());
        let failures = |reason| {
            let sink = of.sink.clone();
            sinks
                .failures
                .get_or_create_owned(&SinkFailureLabels { sink, reason })
        };
        Self {
            events: sinks.events.get_or_create_owned(&of),
            seconds: sinks.seconds.get_or_create_owned(&of),
            unavailable: failures("unavailable"),
            failed: failures("failed"),
            refused: failures("refused"),
            dropped: failures("timeout"),
            inner,
        }
    }
}

#[async_trait]
impl DatasetEventSink for MeasuredSink {
    fn name(&self) -> &SinkName {
        self.inner.name()
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        let mut running = DeliveryTimer {
            sink: self,
            began: Instant::now(),
            ended: false,
        };
        let delivered = self.inner.deliver(events).await;
        running.ended = true;
        let taken = self.count(&delivered);
        self.events.inc_by(u64::try_from(taken).unwrap_or(0));
        delivered
    }
}

impl MeasuredSink {
    /// Counts failures and returns the number of accepted events.
    fn count(&self, delivered: &Result<Delivery, SinkError>) -> usize {
        match delivered {
            Ok(Delivery { taken }) => *taken,
            Err(SinkError::Refused { taken, .. }) => {
                self.refused.inc();
                *taken
            }
            Err(SinkError::Failed { taken, .. }) => {
                self.failed.inc();
                *taken
            }
            Err(SinkError::Unavailable { taken, .. }) => {
                self.unavailable.inc();
                *taken
            }
            Err(SinkError::ByScope(answers)) => {
                answers.iter().map(|(_, answer)| self.count(answer)).sum()
            }
            // an unknown kind of failure counts as unavailability
            Err(_) => {
                self.unavailable.inc();
                0
            }
        }
    }
}

/// A delivery in progress; the relay drops it after a timeout.
struct DeliveryTimer<'a> {
    sink: &'a MeasuredSink,
    began: Instant,
    ended: bool,
}

impl Drop for DeliveryTimer<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.sink.seconds.observe(took.as_secs_f64());
        if !self.ended {
            self.sink.dropped.inc();
        }
    }
}
