use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::{failure::Failure, problem::Problem, progress::Progress};

/// The delay between two attempts without a `Retry-After`.
const DEFAULT_DELAY: Duration = Duration::from_secs(1);

/// The minimum delay between two attempts.
const MIN_DELAY: Duration = Duration::from_millis(250);

/// Repeats a request until the service has hashed the object, or the next attempt would come after
/// `timeout`, which is the failure `given_up`. Notifies the user once of the reason to wait.
pub(super) async fn until_hashed<F>(
    reason: &str,
    timeout: Duration,
    progress: &Progress,
    given_up: impl FnOnce(Box<Problem>) -> Failure,
    mut attempt: impl FnMut() -> F,
) -> Result<Bytes, Failure>
where
    F: Future<Output = Result<Bytes, Failure>>,
{
    let end = Instant::now() + timeout;
    let mut notified = false;
    loop {
        let problem = match attempt().await {
            Err(Failure::Problem(problem)) if problem.is_verification_pending() => problem,
            other => return other,
        };
        let wait = problem.retry_after.unwrap_or(DEFAULT_DELAY).max(MIN_DELAY);
        if end.saturating_duration_since(Instant::now()) < wait {
            return Err(given_up(problem));
        }
        if !notified {
            progress.note_wait(reason, timeout);
            notified = true;
        }
        tokio::time::sleep(wait).await;
    }
}
