use std::{sync::Arc, time::Duration};

use nexus_raw::{
    ports::{CatalogError, Clock, VerificationBacklog},
    time::Timestamp,
};
use nexus_raw_upkeep::scrub::coverage;
use tokio::time::sleep;

use super::Metrics;

/// The time between two counts, which matters little against the days that they are about.
const EVERY: Duration = Duration::from_mins(5);
/// The time between two pages of a count.
const PAUSE: Duration = Duration::from_millis(200);
/// What was verified before is to be read again; the default of `scrub --older-than`.
const MAX_AGE_MICROS: i64 = 30 * 24 * 60 * 60 * 1_000_000;

/// Counts which share of the registered assets was verified lately.
///
/// After a failure the last value stays.
pub(crate) struct CoverageSampler {
    pub(crate) metrics: Metrics,
    pub(crate) backlog: Arc<dyn VerificationBacklog>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl CoverageSampler {
    /// Counts at once and then every few minutes, until `stopped` resolves.
    pub(crate) async fn run(self, stopped: impl Future<Output = ()>) {
        let counting = async {
            loop {
                // a failure shows in the calls' metrics
                let _ = self.sample().await;
                sleep(EVERY).await;
            }
        };
        tokio::select! {
            () = stopped => {}
            () = counting => {}
        }
    }

    /// Counts once.
    pub(crate) async fn sample(&self) -> Result<(), CatalogError> {
        let before = self.clock.now().as_micros().saturating_sub(MAX_AGE_MICROS);
        let before = Timestamp::from_micros(before).unwrap_or(Timestamp::UNIX_EPOCH);
        let coverage = coverage(&*self.backlog, before, PAUSE).await?;
        self.metrics.0.verified_share.set(coverage.share());
        Ok(())
    }
}
