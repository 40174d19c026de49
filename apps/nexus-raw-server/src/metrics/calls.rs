use std::time::{Duration, Instant};

use nexus_raw::ports::{CatalogError, StorageError};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
};

use super::registration::Registration;

/// The labels of a port's call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CallLabels {
    operation: &'static str,
    outcome: &'static str,
}

/// The durations of a port's calls. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Calls(Family<CallLabels, Histogram, fn() -> Histogram>);

impl Calls {
    pub(super) fn register(
        of: &mut Registration,
        name: &str,
        help: &str,
        make: fn() -> Histogram,
    ) -> Self {
        Self(of.histograms(name, help, make))
    }

    /// Runs and measures a call. A dropped call is measured up to its drop.
    pub(super) async fn time<T, E: Outcome>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut running = CallTimer {
            calls: self,
            began: Instant::now(),
            call: CallLabels {
                operation,
                outcome: DROPPED,
            },
        };
        let result = call.await;
        running.call.outcome = outcome(result.as_ref().map(|_| ()));
        result
    }

    /// Records a call that has ended, or was dropped if there is no result.
    pub(super) fn ended<E: Outcome>(
        &self,
        operation: &'static str,
        took: Duration,
        result: Option<Result<(), &E>>,
    ) {
        let outcome = result.map_or(DROPPED, outcome);
        let seconds = self.0.get_or_create(&CallLabels { operation, outcome });
        seconds.observe(took.as_secs_f64());
    }
}

const DROPPED: &str = "dropped";

fn outcome<E: Outcome>(result: Result<(), &E>) -> &'static str {
    result.err().map_or("ok", Outcome::outcome)
}

struct CallTimer<'a> {
    calls: &'a Calls,
    began: Instant,
    call: CallLabels,
}

impl Drop for CallTimer<'_> {
    fn drop(&mut self) {
        let seconds = self.calls.0.get_or_create(&self.call);
        seconds.observe(self.began.elapsed().as_secs_f64());
    }
}

/// The label value of an error.
pub(super) trait Outcome {
    fn outcome(&self) -> &'static str;
}

impl Outcome for CatalogError {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::AlreadyExists => "already_exists",
            Self::Corrupt(_) => "corrupt",
            _ => "other",
        }
    }
}

impl Outcome for StorageError {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::ForeignBucket => "foreign_bucket",
            Self::CredentialsEnding => "credentials_ending",
            _ => "other",
        }
    }
}
