//! Aborts abandoned uploads in parts, on every replica.

use std::time::Duration;

use nexus_raw::{
    ErrorChain,
    ports::{UploadsMarker, WorkError},
    service::AbandonedUploads,
    system::random_bytes,
};
use slog::{Logger, info, warn};
use tokio::time::sleep;

use crate::metrics::IntGauge;

/// Looks at all pages at once and then about every ten minutes, until `stopped` resolves, and sets
/// `open` to the number of uploads that were left.
pub(super) async fn remove<F>(
    page: impl Fn(Option<UploadsMarker>) -> F,
    open: IntGauge,
    log: Logger,
    stopped: impl Future<Output = ()>,
) where
    F: Future<Output = Result<AbandonedUploads, WorkError>>,
{
    let removing = async {
        loop {
            match pass(&page).await {
                Ok((left, aborted)) => {
                    open.set(i64::try_from(left).unwrap_or(i64::MAX));
                    if aborted > 0 {
                        info!(log, "abandoned uploads aborted"; "count" => aborted);
                    }
                }
                Err(error) => {
                    let reason = ErrorChain(&error).to_string();
                    warn!(log, "abandoned uploads not looked for"; "reason" => reason);
                }
            }
            sleep(about_ten_minutes()).await;
        }
    };
    tokio::select! {
        () = stopped => {}
        () = removing => {}
    }
}

/// Returns how many uploads were left, and how many were aborted.
async fn pass<F>(page: &impl Fn(Option<UploadsMarker>) -> F) -> Result<(u64, u64), WorkError>
where
    F: Future<Output = Result<AbandonedUploads, WorkError>>,
{
    let (mut open, mut aborted, mut next) = (0, 0, None);
    loop {
        let seen = page(next).await?;
        open += seen.open;
        aborted += seen.aborted;
        next = seen.next;
        if next.is_none() {
            return Ok((open, aborted));
        }
    }
}

/// Returns 450 to 756 s, so that replicas do not look at the same time.
fn about_ten_minutes() -> Duration {
    let [byte] = random_bytes();
    Duration::from_millis(450_000 + 1200 * u64::from(byte))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use nexus_raw::ports::StorageError;
    use slog::{Discard, o};

    use super::*;

    fn page(open: u64, aborted: u64, next: Option<&str>) -> AbandonedUploads {
        let mut page = AbandonedUploads::default();
        page.open = open;
        page.aborted = aborted;
        page.next = next.map(|key| UploadsMarker {
            key: key.to_owned(),
            upload_id: "1".to_owned(),
        });
        page
    }

    #[tokio::test(start_paused = true)]
    async fn all_pages_are_looked_at_at_once_and_again_in_ten_minutes() {
        let answers = Mutex::new(vec![
            Ok(page(1, 0, None)),
            Err(WorkError::Storage(StorageError::Unavailable("down".into()))),
            Ok(page(3, 2, None)),
            Ok(page(2, 1, Some("a"))),
        ]);
        let asked = Mutex::new(Vec::new());
        let open = IntGauge::default();
        let seen = Mutex::new(Vec::new());
        let next = |after: Option<UploadsMarker>| {
            seen.lock().unwrap().push(open.get());
            asked.lock().unwrap().push(after.map(|it| it.key));
            let answer = answers.lock().unwrap().pop();
            async move { answer.unwrap_or_else(|| Ok(AbandonedUploads::default())) }
        };
        let log = Logger::root(Discard, o!());
        let two_and_a_half = sleep(Duration::from_secs(1510));
        remove(next, open.clone(), log, two_and_a_half).await;
        let asked = asked.into_inner().unwrap();
        assert_eq!(asked[..4], [None, Some("a".to_owned()), None, None]);
        assert!((4..=6).contains(&asked.len()), "{asked:?}");
        // a failure leaves the number as it was
        assert_eq!(seen.into_inner().unwrap()[..4], [0, 0, 5, 5]);
    }
}
