use nexus_raw::ports::{Backlog, ParkedEvent, SinkName};

use super::{RELAY, commit, delivered, drain, lease, park, sink};
use crate::{
    contract::catalog::{CatalogHarness, OpenCatalog},
    sample,
};

async fn backlog(open: &OpenCatalog, sink: &SinkName) -> Backlog {
    open.outbox.backlog(sink).await.unwrap()
}

/// Per sink; the oldest equals that of `oldest_undelivered`.
pub async fn a_backlog_counts_the_events_after_the_cursors_in_all_scopes(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    assert_eq!(backlog(&open, &sink("log")).await, Backlog::default());
    let [one, two] = [("t_a", "dev"), ("t_ab", "prod")].map(|(t, e)| sample::scope(t, e));
    commit(&open, &one, 1, 5).await;
    commit(&open, &two, 1, 150).await;
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    for (cursors, undelivered) in [
        (vec![], 155),
        (vec![(one.clone(), 2), (two.clone(), 40)], 113),
        (vec![(one.clone(), 5)], 110),
    ] {
        assert!(delivered(&open, &sink("log"), cursors, epoch).await);
        let expected = Backlog {
            undelivered,
            oldest: open.outbox.oldest_undelivered(&sink("log")).await.unwrap(),
            parked: 0,
        };
        assert!(expected.oldest.is_some());
        assert_eq!(backlog(&open, &sink("log")).await, expected);
    }
    drain(&open.outbox, &sink("log")).await;
    assert_eq!(backlog(&open, &sink("log")).await, Backlog::default());
    assert_eq!(backlog(&open, &sink("nats")).await.undelivered, 155);
}

/// The cursor has passed it, so it is no longer undelivered.
pub async fn a_parked_event_is_counted_for_its_sink_also_after_a_restart(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scopes = [("t_a", "dev"), ("t_ab", "prod")].map(|(t, e)| sample::scope(t, e));
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    for scope in &scopes {
        commit(&open, scope, 1, 2).await;
        let parked = ParkedEvent {
            scope: scope.clone(),
            sequence: 1,
            reason: "too large".to_owned(),
            parked_at: sample::now(),
        };
        assert!(park(&open, "log", parked, epoch).await);
    }
    let counted = |it: Backlog| (it.undelivered, it.parked);
    assert_eq!(counted(backlog(&open, &sink("log")).await), (2, 2));
    assert_eq!(counted(backlog(&open, &sink("nats")).await), (4, 0));
    let open = harness.reopen(open).await;
    assert_eq!(counted(backlog(&open, &sink("log")).await), (2, 2));
}
