use nexus_raw::asset::UploadIntent;

use super::{RELAY, commit, delivered, drain, lease, places, sequences, sink, undelivered};
use crate::{contract::catalog::CatalogHarness, sample};

/// A cursor covers all events up to its sequence.
pub async fn delivered_events_are_not_returned_again(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 5).await;
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    assert!(delivered(&open, &sink("log"), vec![(scope.clone(), 3)], epoch).await);
    let events = undelivered(&open, &sink("log"), 100).await;
    assert_eq!(sequences(&events, &scope), [4, 5]);
    assert_eq!(drain(&open.outbox, &sink("log")).await.len(), 2);
    assert_eq!(undelivered(&open, &sink("log"), 100).await, []);
    commit(&open, &scope, 6, 1).await;
    let events = undelivered(&open, &sink("log"), 100).await;
    assert_eq!(sequences(&events, &scope), [6]);
}

/// A read does not advance the cursor: after a crash the events are read again.
pub async fn undelivered_events_are_returned_again(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    commit(&open, &sample::scope("t_a", "dev"), 1, 3).await;
    let first = undelivered(&open, &sink("log"), 100).await;
    assert_eq!(first.len(), 3);
    assert_eq!(undelivered(&open, &sink("log"), 100).await, first);
}

/// Delivery to one sink does not affect another.
pub async fn each_sink_has_its_own_cursors(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 3).await;
    assert_eq!(drain(&open.outbox, &sink("log")).await.len(), 3);
    assert_eq!(undelivered(&open, &sink("log"), 100).await, []);
    let events = undelivered(&open, &sink("nats"), 100).await;
    assert_eq!(sequences(&events, &scope), [1, 2, 3]);
}

/// A batch may end in the middle of one scope and at the end of another.
pub async fn a_cursor_moves_in_the_named_scopes_only(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let names = [("t_a", "dev"), ("t_a", "prod"), ("t_ab", "dev")];
    let [one, two, three] = names.map(|(tenant, env)| sample::scope(tenant, env));
    for scope in [&one, &two, &three] {
        commit(&open, scope, 1, 3).await;
    }
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    let cursors = vec![(one.clone(), 1), (two.clone(), 3)];
    assert!(delivered(&open, &sink("log"), cursors, epoch).await);
    let events = undelivered(&open, &sink("log"), 100).await;
    assert_eq!(sequences(&events, &one), [2, 3]);
    assert_eq!(sequences(&events, &two), Vec::<u64>::new());
    assert_eq!(sequences(&events, &three), [1, 2, 3]);
}

/// A late update does not undo a newer one.
pub async fn a_cursor_never_moves_back(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 3).await;
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    for sequence in [3, 1] {
        let cursors = vec![(scope.clone(), sequence)];
        assert!(delivered(&open, &sink("log"), cursors, epoch).await);
    }
    assert_eq!(undelivered(&open, &sink("log"), 100).await, []);
}

/// Over all scopes, the earliest `occurred_at` after the cursors.
pub async fn the_time_of_the_oldest_undelivered_event_is_reported(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let oldest = async || open.outbox.oldest_undelivered(&sink("log")).await.unwrap();
    let scopes = [sample::scope("t_a", "dev"), sample::scope("t_b", "dev")];
    for (scope, seconds) in [(&scopes[0], 20), (&scopes[1], 10), (&scopes[0], 30)] {
        let number = u64::try_from(seconds).unwrap();
        let intent = UploadIntent {
            requested_at: sample::seconds_after(seconds),
            ..sample::intent(scope, sample::asset_id(number))
        };
        let event = sample::presigned(&intent);
        open.catalog.record_intent(intent, event).await.unwrap();
    }
    assert_eq!(oldest().await, Some(sample::seconds_after(10)));
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    for (scope, next) in [(&scopes[1], 20), (&scopes[0], 30)] {
        let cursors = vec![(scope.clone(), 1)];
        assert!(delivered(&open, &sink("log"), cursors, epoch).await);
        assert_eq!(oldest().await, Some(sample::seconds_after(next)));
    }
    let rest = undelivered(&open, &sink("log"), 100).await;
    assert_eq!(places(&rest), [(scopes[0].clone(), 2)]);
    drain(&open.outbox, &sink("log")).await;
    assert_eq!(oldest().await, None);
}
