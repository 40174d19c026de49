use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::{failure::Failure, progress::Progress};

/// A service that asks for more patience is not asked again.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How often, and how patiently, a request is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retries(pub(crate) u8);

impl Retries {
    /// Makes a request until it has an answer that the same request would get again, or the
    /// retries are used up.
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
            .adjust(|failure, wait| patient(wait?, failure.retry_after()))
            .notify(|failure, wait| progress.note_retry(failure, wait))
            .await
    }
}

/// The longer of our own wait and the service's, unless that is too long.
fn patient(wait: Duration, retry_after: Option<Duration>) -> Option<Duration> {
    let wait = wait.max(retry_after.unwrap_or_default());
    (wait <= LONGEST_WAIT).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_as_long_as_the_service_asks_within_bounds() {
        let second = Duration::from_secs(1);
        assert_eq!(patient(second, None), Some(second));
        assert_eq!(patient(second, Some(second * 5)), Some(second * 5));
        assert_eq!(patient(second * 5, Some(second)), Some(second * 5));
        assert_eq!(patient(second, Some(second * 60)), Some(second * 60));
        assert_eq!(patient(second, Some(second * 61)), None);
    }
}
