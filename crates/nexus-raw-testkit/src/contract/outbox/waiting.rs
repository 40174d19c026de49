use std::time::Duration;

use super::{commit, sink, undelivered};
use crate::{contract::catalog::CatalogHarness, sample};

/// Far more than a wake-up takes on a loaded machine, far less than the timeout.
const SOON: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_hours(1);

/// A commit wakes a waiting relay before the timeout. Spurious wake-ups are allowed, so it polls
/// and waits again.
pub async fn a_wait_ends_after_a_commit(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let relay = tokio::spawn({
        let open = open.clone();
        async move {
            while undelivered(&open, &sink("log"), 10).await.is_empty() {
                open.outbox.committed(LONG).await;
            }
        }
    });
    tokio::task::yield_now().await;
    commit(&open, &sample::scope("t_a", "dev"), 1, 1).await;
    let woken = tokio::time::timeout(SOON, relay).await;
    assert!(woken.is_ok(), "the commit woke nobody within {SOON:?}");
}

/// After a commit while the relay was busy, the next wait returns at once.
pub async fn a_commit_between_two_waits_is_not_missed(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    for n in 1..=3 {
        commit(&open, &sample::scope("t_a", "dev"), n, 1).await;
        let woken = tokio::time::timeout(SOON, open.outbox.committed(LONG)).await;
        assert!(woken.is_ok(), "commit {n} was missed");
    }
}

/// A wait without a commit ends by its timeout, since commits of other processes do not wake it.
pub async fn a_wait_ends_at_its_timeout(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    for _ in 0..3 {
        let patience = Duration::from_millis(10);
        let ended = tokio::time::timeout(SOON, open.outbox.committed(patience)).await;
        assert!(
            ended.is_ok(),
            "a patience of {patience:?} took over {SOON:?}"
        );
    }
}
