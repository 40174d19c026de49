use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use nexus_raw::ErrorChain;
use slog::Logger;
use tokio::time::{Instant, sleep};

use super::Failure;
use crate::life_cycle::Dependency;

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// Retries of dependencies at start, up to a common deadline.
pub(super) struct StartupRetry<'a> {
    deadline: Instant,
    log: &'a Logger,
}

impl<'a> StartupRetry<'a> {
    pub(super) fn of(timeout: Duration, log: &'a Logger) -> Self {
        Self {
            deadline: Instant::now() + timeout,
            log,
        }
    }

    /// Retries until success, a permanent failure, or the deadline. Logs only the first failure.
    pub(super) async fn retry<T>(
        &self,
        dependency: Dependency,
        attempt: impl AsyncFn() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut delays = ExponentialBuilder::new()
            .with_min_delay(FIRST_DELAY)
            .with_max_delay(LONGEST_DELAY)
            .without_max_times()
            .build();
        let mut is_logged = false;
        loop {
            let delay = delays.next().unwrap_or(LONGEST_DELAY);
            let failure = match attempt().await {
                Ok(reached) => return Ok(reached),
                Err(failure) => failure,
            };
            if !failure.is_transient() || Instant::now() + delay >= self.deadline {
                return Err(failure);
            }
            if !is_logged {
                is_logged = true;
                slog::warn!(self.log, "waiting";
                    "for" => dependency.to_string(), "error" => ErrorChain(&failure).to_string());
            }
            sleep(delay).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use nexus_raw_catalog_sql::OpenError;
    use slog::{Discard, o};

    use super::*;

    fn unreachable() -> Failure {
        OpenError::Unreachable("down".into()).into()
    }

    async fn attempts(failures: u32, failure: impl Fn() -> Failure) -> (u32, bool) {
        let log = Logger::root(Discard, o!());
        let retry = StartupRetry::of(Duration::from_secs(30), &log);
        let tried = Cell::new(0);
        let attempt = async || {
            tried.set(tried.get() + 1);
            if tried.get() > failures {
                Ok(())
            } else {
                Err(failure())
            }
        };
        let reached = retry.retry(Dependency::Catalog, attempt).await;
        (tried.get(), reached.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn a_transient_failure_is_retried_until_success_or_the_deadline() {
        assert_eq!(attempts(0, unreachable).await, (1, true));
        assert_eq!(attempts(7, unreachable).await, (8, true));
        let began = Instant::now();
        let (tried, reached) = attempts(u32::MAX, unreachable).await;
        assert!(!reached && tried > 15, "{tried}");
        assert!((28..=30).contains(&began.elapsed().as_secs()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_permanent_failure_is_not_retried() {
        let unfit = || {
            OpenError::Incompatible {
                finding: "old".to_owned(),
            }
            .into()
        };
        assert_eq!(attempts(u32::MAX, unfit).await, (1, false));
    }
}
