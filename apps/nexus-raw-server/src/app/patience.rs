use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use nexus_raw::ErrorChain;
use slog::Logger;
use tokio::time::{Instant, sleep};

use super::Failure;
use crate::life_cycle::Dependency;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long a start waits for what does not answer yet.
pub(super) struct Patience<'a> {
    until: Instant,
    log: &'a Logger,
}

impl<'a> Patience<'a> {
    pub(super) fn of(timeout: Duration, log: &'a Logger) -> Self {
        Self {
            until: Instant::now() + timeout,
            log,
        }
    }

    /// Tries until it succeeds, fails for good, or patience is out. Tells of the first failure
    /// only: the others say the same.
    pub(super) async fn spend_on<T>(
        &self,
        dependency: Dependency,
        attempt: impl AsyncFn() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .without_max_times()
            .build();
        let mut is_told = false;
        loop {
            let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
            let failure = match attempt().await {
                Ok(reached) => return Ok(reached),
                Err(failure) => failure,
            };
            if !failure.may_pass() || Instant::now() + pause >= self.until {
                return Err(failure);
            }
            if !is_told {
                is_told = true;
                slog::warn!(self.log, "waiting";
                    "for" => dependency.to_string(), "error" => ErrorChain(&failure).to_string());
            }
            sleep(pause).await;
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
        let patience = Patience::of(Duration::from_secs(30), &log);
        let tried = Cell::new(0);
        let attempt = async || {
            tried.set(tried.get() + 1);
            if tried.get() > failures {
                Ok(())
            } else {
                Err(failure())
            }
        };
        let reached = patience.spend_on(Dependency::Catalog, attempt).await;
        (tried.get(), reached.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_until_it_does_or_patience_is_out() {
        assert_eq!(attempts(0, unreachable).await, (1, true));
        assert_eq!(attempts(7, unreachable).await, (8, true));
        let began = Instant::now();
        let (tried, reached) = attempts(u32::MAX, unreachable).await;
        assert!(!reached && tried > 15, "{tried}");
        assert!((28..=30).contains(&began.elapsed().as_secs()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_pass_is_tried_once() {
        let unfit = || {
            OpenError::Unfit {
                finding: "old".to_owned(),
            }
            .into()
        };
        assert_eq!(attempts(u32::MAX, unfit).await, (1, false));
    }
}
