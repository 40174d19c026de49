use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::{failure::Failure, progress::Progress};

/// The maximum delay; a longer `Retry-After` ends the retries.
const MAX_DELAY: Duration = Duration::from_mins(1);

/// The maximum number of retries of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retries(pub(crate) u8);

impl Retries {
    /// Repeats a request until it succeeds, fails permanently, or the retries are exhausted.
    pub(crate) async fn run<T, F>(
        self,
        progress: &Progress,
        attempt: impl FnMut() -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(250))
            .with_max_delay(Duration::from_secs(8))
            .with_max_times(usize::from(self.0))
            .with_jitter();
        attempt
            .retry(waits)
            .sleep(tokio::time::sleep)
            .when(Failure::is_transient)
            .adjust(|failure, wait| delay(wait?, failure.retry_after()))
            .notify(|failure, wait| progress.note_retry(failure, wait))
            .await
    }
}

/// Returns the longer of the backoff and the service's `Retry-After`; `None` if that is too long.
fn delay(wait: Duration, retry_after: Option<Duration>) -> Option<Duration> {
    let wait = wait.max(retry_after.unwrap_or_default());
    (wait <= MAX_DELAY).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_as_long_as_the_service_requests_within_bounds() {
        let second = Duration::from_secs(1);
        assert_eq!(delay(second, None), Some(second));
        assert_eq!(delay(second, Some(second * 5)), Some(second * 5));
        assert_eq!(delay(second * 5, Some(second)), Some(second * 5));
        assert_eq!(delay(second, Some(second * 60)), Some(second * 60));
        assert_eq!(delay(second, Some(second * 61)), None);
    }
}
