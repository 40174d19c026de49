use nexus_raw::{
    ports::{KeptEvent, ParkedEvent, ParkedFilter, ProgressChange},
    tenancy::Scope,
};

use super::{
    RELAY, RIVAL, advance, commit, delivered, lease, lease_at, park, places, sequences, sink,
    undelivered,
};
use crate::{
    contract::catalog::{CatalogHarness, OpenCatalog},
    sample,
};

fn refused(scope: &Scope, sequence: u64) -> ParkedEvent {
    ParkedEvent {
        scope: scope.clone(),
        sequence,
        reason: "too large: 2 MiB '; \u{1f4a5}".to_owned(),
        parked_at: sample::seconds_after(5),
    }
}

/// Returns the events parked for a sink.
async fn all_parked(open: &OpenCatalog, name: &str) -> Vec<ParkedEvent> {
    let kept = open.parked.parked(&of_sink(name), 100).await.unwrap();
    kept.into_iter().map(|kept| kept.parked).collect()
}

fn of_sink(name: &str) -> ParkedFilter {
    ParkedFilter {
        sink: Some(sink(name)),
        ..ParkedFilter::default()
    }
}

/// The next event is not delayed, and the refused one can be listed.
pub async fn a_parked_event_is_kept_with_its_reason_and_skipped(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 3).await;
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    for sequence in [1, 2] {
        assert!(park(&open, "log", refused(&scope, sequence), epoch).await);
    }
    let events = undelivered(&open, &sink("log"), 10).await;
    assert_eq!(sequences(&events, &scope), [3]);
    assert_eq!(
        all_parked(&open, "log").await,
        [refused(&scope, 1), refused(&scope, 2)]
    );
}

/// A relay that lost its lease parks nothing.
pub async fn an_ended_epoch_parks_nothing(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 1).await;
    let stale = lease(&open.outbox, RELAY).await.epoch;
    lease_at(&open.outbox, RIVAL, 30).await.unwrap();
    assert!(!park(&open, "log", refused(&scope, 1), stale).await);
    assert_eq!(undelivered(&open, &sink("log"), 10).await.len(), 1);
    assert_eq!(all_parked(&open, "log").await, []);
}

/// Another sink may accept the event.
pub async fn a_parked_event_is_parked_for_its_sink_only(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 1).await;
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    assert!(park(&open, "log", refused(&scope, 1), epoch).await);
    assert_eq!(undelivered(&open, &sink("nats"), 10).await.len(), 1);
    assert_eq!(all_parked(&open, "nats").await, []);
}

/// After a restart cursors and parked events are unchanged, and no epoch is reused.
pub async fn cursors_parked_events_and_epochs_survive_a_restart(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    commit(&open, &scope, 1, 3).await;
    let held = lease(&open.outbox, RELAY).await;
    assert!(delivered(&open, &sink("log"), vec![(scope.clone(), 1)], held.epoch).await);
    assert!(park(&open, "log", refused(&scope, 2), held.epoch).await);

    let open = harness.reopen(open).await;
    let events = undelivered(&open, &sink("log"), 10).await;
    assert_eq!(sequences(&events, &scope), [3]);
    assert_eq!(all_parked(&open, "log").await, [refused(&scope, 2)]);
    // a catalogue of one process may end the lease early, since its owner is gone
    let taken = lease_at(&open.outbox, RIVAL, 30).await.unwrap();
    assert!(taken.epoch > held.epoch);
    assert!(!delivered(&open, &sink("log"), vec![(scope.clone(), 3)], held.epoch).await);
    assert_eq!(undelivered(&open, &sink("log"), 10).await, events);
}

/// Parks the first two events of two scopes for `log`, and one for `nats`.
async fn park_some(open: &OpenCatalog) -> (Vec<Scope>, u64) {
    let scopes = vec![sample::scope("t_a", "dev"), sample::scope("t_b", "prod")];
    let epoch = lease(&open.outbox, RELAY).await.epoch;
    for scope in &scopes {
        commit(open, scope, 1, 3).await;
        for sequence in [1, 2] {
            let refused = refused(scope, sequence);
            assert!(park(open, "log", refused, epoch).await);
        }
    }
    let refused = refused(&scopes[0], 1);
    assert!(park(open, "nats", refused, epoch).await);
    (scopes, epoch)
}

async fn mark_for_retry(open: &OpenCatalog, filter: ParkedFilter) -> u64 {
    open.parked.ask_retry(filter, sample::now()).await.unwrap()
}

async fn retries(open: &OpenCatalog, name: &str) -> Vec<(Scope, u64)> {
    places(&open.outbox.retries(&sink(name), 100).await.unwrap())
}

/// By each part of a filter, and by all together.
pub async fn parked_events_are_found_by_each_filter(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let (scopes, _) = park_some(&open).await;
    let kept = |name: &str, scope: &Scope, sequence| KeptEvent {
        sink: sink(name),
        parked: refused(scope, sequence),
        retry_asked: false,
    };
    let all = [
        kept("log", &scopes[0], 1),
        kept("log", &scopes[0], 2),
        kept("log", &scopes[1], 1),
        kept("log", &scopes[1], 2),
        kept("nats", &scopes[0], 1),
    ];
    let everything = ParkedFilter::default();
    for (filter, expected) in [
        (everything.clone(), &[0, 1, 2, 3, 4][..]),
        (of_sink("nats"), &[4]),
        (of_sink("http"), &[]),
        (
            ParkedFilter {
                tenant: Some(scopes[1].tenant.clone()),
                ..everything.clone()
            },
            &[2, 3],
        ),
        (
            ParkedFilter {
                environment: Some(scopes[0].environment.clone()),
                sequence: Some(1),
                ..everything.clone()
            },
            &[0, 4],
        ),
        (
            ParkedFilter {
                tenant: Some(scopes[0].tenant.clone()),
                environment: Some(scopes[1].environment.clone()),
                ..everything.clone()
            },
            &[],
        ),
    ] {
        let found = open.parked.parked(&filter, 100).await.unwrap();
        let expected: Vec<_> = expected.iter().map(|at| all[*at].clone()).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let first = open.parked.parked(&everything, 2).await.unwrap();
    assert_eq!(first, all[..2]);
}

/// Nothing else is returned, and a repeated request has no effect.
pub async fn requested_retries_are_returned_in_order(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let (scopes, _) = park_some(&open).await;
    assert_eq!(retries(&open, "log").await, []);
    let second = ParkedFilter {
        sequence: Some(2),
        ..of_sink("log")
    };
    assert_eq!(mark_for_retry(&open, second.clone()).await, 2);
    assert_eq!(mark_for_retry(&open, second).await, 2);
    let both: Vec<_> = scopes.iter().map(|scope| (scope.clone(), 2)).collect();
    assert_eq!(retries(&open, "log").await, both);
    assert_eq!(retries(&open, "nats").await, []);
    assert_eq!(open.outbox.retries(&sink("log"), 1).await.unwrap().len(), 1);
    let marked = open.parked.parked(&of_sink("log"), 100).await.unwrap();
    let marked: Vec<_> = marked.iter().map(|it| it.retry_asked).collect();
    assert_eq!(marked, [false, true, false, true]);
    // the cursors are unchanged
    let events = undelivered(&open, &sink("log"), 100).await;
    assert_eq!(
        places(&events),
        scopes.iter().map(|it| (it.clone(), 3)).collect::<Vec<_>>()
    );
}

/// After a delivery it is removed from the parked ones, only with a valid lease.
pub async fn a_delivered_event_is_no_longer_parked(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let (scopes, epoch) = park_some(&open).await;
    mark_for_retry(&open, of_sink("log")).await;
    let retried = async |epoch| {
        let sink = sink("log");
        let taken = ProgressChange::Retried {
            scope: scopes[0].clone(),
            sequence: 1,
        };
        let retried = advance(&open.outbox, &sink, taken, epoch);
        retried.await
    };
    assert!(!retried(epoch + 1).await);
    assert_eq!(retries(&open, "log").await.len(), 4);
    assert!(retried(epoch).await);
    let left =
        [(0, 2), (1, 1), (1, 2)].map(|(at, sequence): (usize, _)| (scopes[at].clone(), sequence));
    assert_eq!(retries(&open, "log").await, left);
    assert_eq!(all_parked(&open, "log").await.len(), 3);
    assert_eq!(all_parked(&open, "nats").await.len(), 1);
}

/// With the latest reason, and until the next request for a retry.
pub async fn an_event_refused_again_is_parked_again(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let (scopes, epoch) = park_some(&open).await;
    let again = ParkedEvent {
        reason: "still too large".to_owned(),
        parked_at: sample::seconds_after(60),
        ..refused(&scopes[0], 1)
    };
    let park = async || park(&open, "log", again.clone(), epoch).await;
    // without a retry request a repeated parking changes nothing
    assert!(park().await);
    assert_eq!(all_parked(&open, "log").await[0], refused(&scopes[0], 1));
    mark_for_retry(&open, of_sink("log")).await;
    assert!(park().await);
    assert_eq!(all_parked(&open, "log").await[0], again);
    assert_eq!(retries(&open, "log").await.len(), 3);
}

/// The request for a retry is stored.
pub async fn requested_retries_survive_a_restart(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    park_some(&open).await;
    mark_for_retry(&open, of_sink("nats")).await;
    let before = open
        .parked
        .parked(&ParkedFilter::default(), 100)
        .await
        .unwrap();
    let open = harness.reopen(open).await;
    assert_eq!(retries(&open, "nats").await.len(), 1);
    let after = open
        .parked
        .parked(&ParkedFilter::default(), 100)
        .await
        .unwrap();
    assert_eq!(after, before);
}
