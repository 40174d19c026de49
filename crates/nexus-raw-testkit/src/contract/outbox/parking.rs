use nexus_raw::{ports::ParkedEvent, tenancy::Scope};

use super::{RELAY, RIVAL, commit, delivered, lease, lease_at, sequences, sink, undelivered};
use crate::{contract::catalog::CatalogHarness, sample};

fn refused(scope: &Scope, sequence: u64) -> ParkedEvent {
    ParkedEvent {
        scope: scope.clone(),
        sequence,
        reason: "too large: 2 MiB '; \u{1f4a5}".to_owned(),
        parked_at: sample::seconds_after(5),
    }
}

/// The next event is not held up, and the refused one can be told.
pub async fn a_parked_event_is_kept_with_its_reason_and_passed(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 3).await;
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    for sequence in [1, 2] {
        let parked = open
            .outbox
            .park(&sink("log"), refused(&scope, sequence), epoch)
            .await;
        assert!(parked.unwrap());
    }
    let events = undelivered(&open, &sink("log"), 10).await;
    assert_eq!(sequences(&events, &scope), [3]);
    assert_eq!(
        harness.parked(&sink("log")).await,
        [refused(&scope, 1), refused(&scope, 2)]
    );
}

/// A relay that lost its lease leaves no half of a parking.
pub async fn an_epoch_that_is_over_parks_nothing(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 1).await;
    let stale = lease(&open.outbox, RELAY).await.epoch;
    lease_at(&open.outbox, RIVAL, 30).await.unwrap();
    let parked = open
        .outbox
        .park(&sink("log"), refused(&scope, 1), stale)
        .await;
    assert!(!parked.unwrap());
    assert_eq!(undelivered(&open, &sink("log"), 10).await.len(), 1);
    assert_eq!(harness.parked(&sink("log")).await, []);
}

/// What one sink refuses, another may take.
pub async fn a_parked_event_is_parked_for_its_sink_alone(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 1).await;
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    let parked = open
        .outbox
        .park(&sink("log"), refused(&scope, 1), epoch)
        .await;
    assert!(parked.unwrap());
    assert_eq!(undelivered(&open, &sink("nats"), 10).await.len(), 1);
    assert_eq!(harness.parked(&sink("nats")).await, []);
}

/// A restart delivers nothing twice that was marked, forgets nothing that was parked, and gives
/// no epoch again.
pub async fn cursors_parked_events_and_epochs_outlive_a_restart(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 3).await;
    let held = lease(&open.outbox, RELAY).await;
    assert!(delivered(&open, &sink("log"), vec![(scope.clone(), 1)], held.epoch).await);
    let parked = open
        .outbox
        .park(&sink("log"), refused(&scope, 2), held.epoch)
        .await;
    assert!(parked.unwrap());

    let open = harness.reopen(open).await;
    let events = undelivered(&open, &sink("log"), 10).await;
    assert_eq!(sequences(&events, &scope), [3]);
    assert_eq!(harness.parked(&sink("log")).await, [refused(&scope, 2)]);
    // the lease itself may be over before its end: a catalogue of one process knows its owner gone
    let taken = lease_at(&open.outbox, RIVAL, 30).await.unwrap();
    assert!(taken.epoch > held.epoch);
    assert!(!delivered(&open, &sink("log"), vec![(scope.clone(), 3)], held.epoch).await);
    assert_eq!(undelivered(&open, &sink("log"), 10).await, events);
}
