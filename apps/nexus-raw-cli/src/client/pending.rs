use std::time::Duration;

use bytes::Bytes;
use nexus_raw::asset::AssetId;
use tokio::time::Instant;

use crate::{failure::Failure, progress::Progress};

/// Between two questions where the service does not say how long to leave it alone.
const USUAL_WAIT: Duration = Duration::from_secs(1);

/// Between two questions, whatever the service says.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);

/// Registers until the service has hashed the object that it must read itself, or `patience` would
/// be over before it may be asked again. The person is told once.
pub(super) async fn settled<F>(
    asset_id: AssetId,
    patience: Duration,
    progress: &Progress,
    mut register: impl FnMut() -> F,
) -> Result<Bytes, Failure>
where
    F: Future<Output = Result<Bytes, Failure>>,
{
    let end = Instant::now() + patience;
    let mut told = false;
    loop {
        let problem = match register().await {
            Err(Failure::Problem(problem)) if problem.is_verification_pending() => problem,
            other => return other,
        };
        let wait = problem.retry_after.unwrap_or(USUAL_WAIT).max(SHORTEST_WAIT);
        if end.saturating_duration_since(Instant::now()) < wait {
            return Err(Failure::StillHashed { asset_id, problem });
        }
        if !told {
            progress.note_hashing(asset_id, patience);
            told = true;
        }
        tokio::time::sleep(wait).await;
    }
}
