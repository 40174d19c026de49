use std::{sync::Arc, time::Duration};

use nexus_raw::ports::{CatalogCensus, CatalogError, Clock, EventOutbox, SinkName};
use tokio::time::{MissedTickBehavior, interval};

use super::{Metrics, OfSink, unix_seconds, whole};
use crate::readiness::Backlogs;

/// How often the catalogue is asked, whoever scrapes how often.
const EVERY: Duration = Duration::from_secs(5);

/// Looks up in the catalogue what no call of this process tells.
///
/// Where it gives no answer, the last values stay, and `sampled_timestamp_seconds` says of when
/// they are.
pub(crate) struct Sampler {
    pub(crate) metrics: Metrics,
    pub(crate) census: Arc<dyn CatalogCensus>,
    pub(crate) outbox: Arc<dyn EventOutbox>,
    pub(crate) sinks: Vec<SinkName>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where readiness takes it from.
    pub(crate) backlogs: Backlogs,
}

impl Sampler {
    /// Samples until `stopped` resolves.
    pub(crate) async fn run(self, stopped: impl Future<Output = ()>) {
        let mut turns = interval(EVERY);
        // a slow catalogue is not asked faster afterwards
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let sampling = async {
            loop {
                turns.tick().await;
                // what failed shows by its age, and as calls that failed
                let _ = self.sample().await;
            }
        };
        tokio::select! {
            () = stopped => {}
            () = sampling => {}
        }
    }

    /// Asks once.
    pub(crate) async fn sample(&self) -> Result<(), CatalogError> {
        let metrics = &self.metrics.0;
        let open = self.census.open_intents().await?;
        metrics.open_intents.set(whole(open.count));
        metrics.open_intents_bytes.set(whole(open.bytes));
        for sink in &self.sinks {
            self.sample_sink(sink).await?;
        }
        metrics.sampled.set(unix_seconds(self.clock.now()));
        Ok(())
    }

    async fn sample_sink(&self, sink: &SinkName) -> Result<(), CatalogError> {
        let outbox = &self.metrics.0.outbox;
        let of = OfSink::named(sink);
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
