use nexus_raw::ports::Lease;

use super::{RELAY, RIVAL, commit, delivered, lease, lease_at, sink, undelivered};
use crate::{contract::catalog::CatalogHarness, sample};

/// Until its end it is exclusive; after that anyone may acquire it.
pub async fn a_lease_has_one_owner_until_it_ends(harness: &impl CatalogHarness) {
    let outbox = harness.open().await.outbox;
    let held = lease(&outbox, RELAY).await;
    assert_eq!(held.until, sample::seconds_after(30));
    for seconds in [0, 29] {
        assert_eq!(lease_at(&outbox, RIVAL, seconds).await, None);
    }
    let taken = lease_at(&outbox, RIVAL, 30).await.unwrap();
    assert_eq!(taken.until, sample::seconds_after(60));
    assert_eq!(lease_at(&outbox, RELAY, 31).await, None);
}

/// A renewal only changes the end.
pub async fn a_renewed_lease_keeps_its_epoch(harness: &impl CatalogHarness) {
    let outbox = harness.open().await.outbox;
    let epoch = lease(&outbox, RELAY).await.epoch;
    for seconds in [10, 20] {
        let renewed = Lease {
            epoch,
            until: sample::seconds_after(seconds + 30),
        };
        assert_eq!(lease_at(&outbox, RELAY, seconds).await, Some(renewed));
    }
    assert_eq!(lease_at(&outbox, RIVAL, 49).await, None);
}

/// Each acquisition has a new epoch, also by a former owner.
pub async fn a_lease_that_was_taken_over_has_a_higher_epoch(harness: &impl CatalogHarness) {
    let outbox = harness.open().await.outbox;
    let mut last = lease(&outbox, RELAY).await.epoch;
    for (owner, seconds) in [(RIVAL, 30), (RELAY, 60), (RIVAL, 1000)] {
        let taken = lease_at(&outbox, owner, seconds).await.unwrap();
        assert!(taken.epoch > last, "{} after {last}", taken.epoch);
        last = taken.epoch;
    }
}

/// A guessed epoch is not a lease.
pub async fn without_a_lease_no_cursor_moves(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 1).await;
    let cursors = vec![(scope.clone(), 1)];
    assert!(!delivered(&open, &sink("log"), cursors, 1).await);
    assert_eq!(undelivered(&open, &sink("log"), 10).await.len(), 1);
}

/// A relay that lost its lease must not advance cursors.
pub async fn an_ended_epoch_moves_no_cursor(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 2).await;
    let stale = lease(&open.outbox, RELAY).await.epoch;
    let current = lease_at(&open.outbox, RIVAL, 30).await.unwrap().epoch;
    let cursors = vec![(scope.clone(), 1)];
    let mark = async |epoch| delivered(&open, &sink("log"), cursors.clone(), epoch).await;
    assert!(!mark(stale).await);
    assert!(!mark(current + 1).await);
    assert_eq!(undelivered(&open, &sink("log"), 10).await.len(), 2);
    assert!(mark(current).await);
    assert_eq!(undelivered(&open, &sink("log"), 10).await.len(), 1);
}
