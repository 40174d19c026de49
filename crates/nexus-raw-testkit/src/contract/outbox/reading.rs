use nexus_raw::{asset::Provenance, ports::EventQuery, tenancy::Scope};

use super::{RELAY, commit, delivered, drain, lease, places, sequences, sink, undelivered};
use crate::{contract::catalog::CatalogHarness, sample};

/// Without commits there are no events and no oldest one.
pub async fn an_empty_outbox_has_nothing_to_deliver(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    assert_eq!(undelivered(&open, &sink("log"), 10).await, []);
    let oldest = open.outbox.oldest_undelivered(&sink("log")).await;
    assert_eq!(oldest.unwrap(), None);
}

/// From the cursor on, without gaps, and each as in the catalogue's reads.
pub async fn undelivered_events_of_a_scope_are_complete_and_in_order(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scopes = [sample::scope("t_a", "dev"), sample::scope("t_ab", "dev")];
    for n in 1..=5 {
        for scope in &scopes {
            commit(&open, scope, n, 1).await;
        }
    }
    let intent = sample::intent(&scopes[0], sample::asset_id(3));
    let new = sample::new_asset(&intent, Provenance::default());
    open.catalog.register(new).await.unwrap();

    let events = undelivered(&open, &sink("log"), 100).await;
    assert_eq!(events.len(), 11);
    assert_eq!(sequences(&events, &scopes[0]), [1, 2, 3, 4, 5, 6]);
    assert_eq!(sequences(&events, &scopes[1]), [1, 2, 3, 4, 5]);
    let of_the_asset = open
        .catalog
        .events(
            &scopes[0],
            &EventQuery::first(1000).of_asset(intent.asset_id),
        )
        .await;
    let of_asset = events
        .into_iter()
        .filter(|event| event.body.scope() == scopes[0] && event.body.asset_id == intent.asset_id);
    assert_eq!(of_asset.collect::<Vec<_>>(), of_the_asset.unwrap());
}

/// A batch is at most as long as the limit, and starts at the cursor.
pub async fn a_batch_has_at_most_the_limit(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scopes = [sample::scope("t_a", "dev"), sample::scope("t_b", "dev")];
    for scope in &scopes {
        commit(&open, scope, 1, 8).await;
    }
    for limit in [1, 2, 7, 16] {
        let events = undelivered(&open, &sink("log"), limit).await;
        assert!(!events.is_empty() && events.len() <= usize::try_from(limit).unwrap());
        for scope in &scopes {
            let sequences = sequences(&events, scope);
            let from_the_cursor: Vec<_> = (1..).take(sequences.len()).collect();
            assert_eq!(sequences, from_the_cursor);
        }
    }
}

/// While one scope commits as fast as the relay delivers, the others are delivered too, whether
/// they sort before it or after it.
pub async fn a_quiet_scope_does_not_wait_for_a_busy_one(harness: &impl CatalogHarness) {
    const BATCH: u32 = 5;
    let open = harness.open().await;
    let busy = sample::scope("t_m", "dev");
    let quiet = [sample::scope("t_a", "dev"), sample::scope("t_z", "dev")];
    commit(&open, &busy, 1, 30).await;
    for scope in &quiet {
        commit(&open, scope, 1, 1).await;
    }
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    let mut waiting = quiet.to_vec();
    for round in 0..20 {
        let events = undelivered(&open, &sink("log"), BATCH).await;
        waiting.retain(|scope| sequences(&events, scope).is_empty());
        assert!(delivered(&open, &sink("log"), places(&events), epoch).await);
        let first = 31 + round * u64::from(BATCH);
        commit(&open, &busy, first, u64::from(BATCH)).await;
    }
    assert_eq!(waiting, []);
    let rest = drain(&open.outbox, &sink("log")).await;
    assert_eq!(rest.last().map(|event| event.sequence), Some(130));
}

/// A held scope yields no events, and does not reduce the others' share.
pub async fn held_scopes_are_skipped_and_use_no_share(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let [held, free, other] =
        [("t_a", "dev"), ("t_a", "prod"), ("t_b", "dev")].map(|(t, e)| sample::scope(t, e));
    commit(&open, &held, 1, 30).await;
    commit(&open, &free, 1, 4).await;
    commit(&open, &other, 1, 4).await;
    let of = async |limit, held: &[Scope]| {
        open.outbox
            .undelivered(&sink("log"), limit, held)
            .await
            .unwrap()
    };
    let events = of(8, std::slice::from_ref(&held)).await;
    assert_eq!(sequences(&events, &held), [0; 0]);
    assert_eq!(sequences(&events, &free), [1, 2, 3, 4]);
    assert_eq!(sequences(&events, &other), [1, 2, 3, 4]);
    assert_eq!(of(8, &[held.clone(), free, other]).await, []);
    assert_eq!(of(100, &[]).await.len(), 38);
}
