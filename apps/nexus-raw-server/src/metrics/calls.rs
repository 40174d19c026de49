use std::time::{Duration, Instant};

use nexus_raw::ports::{CatalogError, StorageError};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
};

use super::registration::Registration;

/// What was asked of a port, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfCall {
    operation: &'static str,
    outcome: &'static str,
}

/// How long the calls of a port take. A clone is another handle to it.
#[derive(Debug, Clone)]
pub(super) struct Calls(Family<OfCall, Histogram, fn() -> Histogram>);

impl Calls {
    pub(super) fn register(
        of: &mut Registration,
        name: &str,
        help: &str,
        make: fn() -> Histogram,
    ) -> Self {
        Self(of.histograms(name, help, make))
    }

    /// Makes the call. One that is dropped before it has ended is measured up to there.
    pub(super) async fn time<T, E: Outcome>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut running = CallTimer {
            calls: self,
            began: Instant::now(),
            call: OfCall {
                operation,
                outcome: DROPPED,
            },
        };
        let result = call.await;
        running.call.outcome = outcome(result.as_ref().map(|_| ()));
        result
    }

    /// Measures a call that has ended, or was dropped where there is no outcome.
    pub(super) fn ended<E: Outcome>(
        &self,
        operation: &'static str,
        took: Duration,
        result: Option<Result<(), &E>>,
    ) {
        let outcome = result.map_or(DROPPED, outcome);
        let seconds = self.0.get_or_create(&OfCall { operation, outcome });
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
    call: OfCall,
}

impl Drop for CallTimer<'_> {
    fn drop(&mut self) {
        let seconds = self.calls.0.get_or_create(&self.call);
        seconds.observe(self.began.elapsed().as_secs_f64());
    }
}

/// The name of an error, as one of few.
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
