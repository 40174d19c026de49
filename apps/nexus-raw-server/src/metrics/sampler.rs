use std::{sync::Arc, time::Duration};

use nexus_raw::ports::{CatalogCensus, CatalogError, Clock, EventOutbox, SinkName};
use tokio::time::{MissedTickBehavior, interval};

use super::{Metrics, SinkLabels, unix_seconds, whole};
use crate::readiness::Backlogs;

/// The sampling interval, independent of scrapes.
const EVERY: Duration = Duration::from_secs(5);

/// Samples the metrics that come from the catalogue.
///
/// After a failure the last values stay, and `sampled_timestamp_seconds` has their time.
pub(crate) struct Sampler {
    pub(crate) metrics: Metrics,
    pub(crate) census: Arc<dyn CatalogCensus>,
    pub(crate) outbox: Arc<dyn EventOutbox>,
    pub(crate) sinks: Vec<SinkName>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The backlogs for readiness.
    pub(crate) backlogs: Backlogs,
}

impl Sampler {
    /// Samples until `stopped` resolves.
    pub(crate) async fn run(self, stopped: impl Future<Output = ()>) {
        let mut ticks = interval(EVERY);
        // no burst of samples after a slow one
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let sampling = async {
            loop {
                ticks.tick().await;
                // a failure shows in the sample's age and in the calls' metrics
                let _ = self.sample().await;
            }
        };
        tokio::select! {
            () = stopped => {}
            () = sampling => {}
        }
    }

    /// Takes one sample.
    pub(crate) async fn sample(&self) -> Result<(), CatalogError> {
        let metrics = &self.metrics.0;
        let totals = self.census.totals().await?;
        metrics.open_intents.set(whole(totals.open_intents));
        metrics.open_intents_bytes.set(whole(totals.open_bytes));
        metrics.corrupt_assets.set(whole(totals.corrupt_assets));
        for sink in &self.sinks {
            self.sample_sink(sink).await?;
        }
        metrics.sampled.set(unix_seconds(self.clock.now()));
        Ok(())
    }

    async fn sample_sink(&self, sink: &SinkName) -> Result<(), CatalogError> {
        let outbox = &self.metrics.0.outbox;
        let of = SinkLabels::named(sink);
        let backlog = self.outbox.backlog(sink).await?;
        self.backlogs.note(sink, backlog.oldest);
        let age = backlog.oldest.map(|oldest| self.clock.now().since(oldest));
        let seconds = age.unwrap_or_default().as_secs_f64();
        outbox
            .undelivered
            .get_or_create(&of)
            .set(whole(backlog.undelivered));
        outbox.oldest_age.get_or_create(&of).set(seconds);
        outbox.parked.get_or_create(&of).set(whole(backlog.parked));
        Ok(())
    }
}
