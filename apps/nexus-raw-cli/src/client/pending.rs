use std::time::Duration;

use bytes::Bytes;
use nexus_raw::asset::AssetId;
use tokio::time::Instant;

use crate::{failure::Failure, progress::Progress};

/// The delay between two attempts without a `Retry-After`.
const DEFAULT_DELAY: Duration = Duration::from_secs(1);

/// The minimum delay between two attempts.
const MIN_DELAY: Duration = Duration::from_millis(250);

/// Repeats the registration until the service has hashed the object, or the next attempt would come
/// after `timeout`. Notifies the user once.
pub(super) async fn register<F>(
    asset_id: AssetId,
    timeout: Duration,
    progress: &Progress,
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
            return Err(Failure::StillHashed { asset_id, problem });
        }
        if !notified {
            progress.note_hashing(asset_id, timeout);
            notified = true;
        }
        tokio::time::sleep(wait).await;
    }
}
