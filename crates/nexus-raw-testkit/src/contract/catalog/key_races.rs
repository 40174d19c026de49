use std::collections::BTreeMap;

use nexus_raw::{
    asset::Provenance,
    event::EventType,
    ports::{IntentState, KeyedOutcome, RegisterOutcome, RepeatOutcome},
    tenancy::Scope,
};
use tokio::task::JoinSet;

use super::{
    CatalogHarness, OpenCatalog, bodies_of, intent_state, key_of, pending_under_key, presign,
    presign_again, presign_keyed,
    races::{four_scopes, poll_and_drop},
    register,
};
use crate::{contract::outbox::drain, sample};

/// Later callers find the first one's intent, and record their URLs for it.
pub async fn one_of_a_hundred_callers_with_one_key_is_recorded_and_each_url_is_an_event(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let key = sample::key(&scope, "k");
    let mut callers = JoinSet::new();
    for n in 0..100 {
        let (open, key) = (open.clone(), key.clone());
        let intent = sample::intent(&scope, sample::asset_id(n));
        callers.spawn(async move {
            let outcome = presign_keyed(&open, &key, &intent).await;
            if outcome == KeyedOutcome::KeyStands {
                let state = key_of(&open, &key).await.map(|it| it.state);
                let Some(IntentState::Pending(first)) = &state else {
                    panic!("expected: a pending intent under the key\n    came: {state:?}");
                };
                let outcome = presign_again(&open, first).await;
                assert_eq!(outcome, RepeatOutcome::Recorded);
            }
            (outcome, intent)
        });
    }
    let outcomes = callers.join_all().await;
    let first: Vec<_> = outcomes
        .iter()
        .filter(|(outcome, _)| *outcome == KeyedOutcome::Recorded)
        .collect();
    let [(_, first)] = first[..] else {
        panic!("expected: one recorded intent\n    came: {}", first.len());
    };
    assert_eq!(key_of(&open, &key).await, Some(pending_under_key(first)));
    for (_, intent) in &outcomes {
        let state = intent_state(&open, &scope, intent.asset_id).await;
        let is_first = intent.asset_id == first.asset_id;
        assert_eq!(state.is_some(), is_first, "{}", intent.asset_id);
    }
    let bodies = bodies_of(&open, &scope, first.asset_id).await;
    let sequences = bodies.iter().map(|(sequence, _)| *sequence);
    assert!(sequences.eq(1..=100), "{} events", bodies.len());
}

/// Calls beyond the limit are refused, and each accepted call is an event.
pub async fn racing_repeats_presign_an_intent_a_hundred_times_at_most(
    harness: &impl CatalogHarness,
) {
    const CALLERS: usize = 130;
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intents = [1, 2].map(|n| sample::intent(&scope, sample::asset_id(n)));
    for intent in &intents {
        presign(&open, intent).await;
    }
    let mut callers = JoinSet::new();
    for n in 0..2 * CALLERS {
        let (open, intent) = (open.clone(), intents[n % 2].clone());
        callers.spawn(async move { (n % 2, presign_again(&open, &intent).await) });
    }
    let outcomes = callers.join_all().await;
    for (n, intent) in intents.iter().enumerate() {
        let of = |outcome| outcomes.iter().filter(|it| **it == (n, outcome)).count();
        assert_eq!(of(RepeatOutcome::Recorded), 99);
        assert_eq!(of(RepeatOutcome::Exhausted), CALLERS - 99);
        assert_eq!(bodies_of(&open, &scope, intent.asset_id).await.len(), 100);
    }
    let last = drain(&open.outbox, &sample::sink_name()).await.pop();
    assert_eq!(last.map(|event| event.sequence), Some(200));
}

/// Four keys that 16 writers of a scope share, among presigns without a key, repeats and
/// registrations: every sequence counts from 1, and a presign comes before its registration.
pub async fn keyed_and_repeated_presigns_among_others_leave_no_gap(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scopes = four_scopes();
    let mut writers = JoinSet::new();
    for writer in 0..64 {
        let scope = scopes[usize::try_from(writer % 4).unwrap()].clone();
        let open = open.clone();
        writers.spawn(async move { write_some_of_all(&open, &scope, writer).await });
    }
    let mut written: BTreeMap<Scope, usize> = BTreeMap::new();
    for (scope, events) in writers.join_all().await {
        *written.entry(scope).or_default() += events;
    }
    let mut last: BTreeMap<Scope, u64> = BTreeMap::new();
    let mut presigned = std::collections::BTreeSet::new();
    let events = drain(&open.outbox, &sample::sink_name()).await;
    for event in &events {
        let scope = event.body.scope();
        let next = last.entry(scope.clone()).or_default();
        *next += 1;
        assert_eq!(event.sequence, *next, "a gap in {scope}");
        let asset = (scope, event.body.asset_id);
        match event.body.event_type {
            EventType::RawAssetPresigned => drop(presigned.insert(asset)),
            EventType::RawAssetRegistered
            | EventType::RawAssetDownloadPresigned
            | EventType::RawAssetFactStated
            | EventType::RawAssetUploadAborted
            | EventType::RawAssetVerified
            | EventType::RawAssetCorrupt => {
                assert!(presigned.contains(&asset));
            }
        }
    }
    assert_eq!(events.len(), written.values().sum::<usize>());
    for scope in &scopes {
        let of_scope = usize::try_from(last[scope]).unwrap();
        assert_eq!(of_scope, written[scope], "{scope}");
    }
}

/// Runs one of many writers and returns the number of its events.
async fn write_some_of_all(open: &OpenCatalog, scope: &Scope, writer: u64) -> (Scope, usize) {
    let mut events = 0;
    for n in 0..4 {
        let own = sample::intent(scope, sample::asset_id(writer * 8 + n));
        presign(open, &own).await;
        let key = sample::key(scope, &format!("key-{n}"));
        let shared = sample::intent(scope, sample::asset_id(writer * 8 + 4 + n));
        let keyed = presign_keyed(open, &key, &shared).await;
        let again = presign_again(open, &own).await;
        assert_eq!(again, RepeatOutcome::Recorded);
        events += 2 + usize::from(keyed == KeyedOutcome::Recorded);
        if n % 2 == 0 {
            let new = sample::new_asset(&own, sample::provenance());
            assert_eq!(register(open, &new).await, RegisterOutcome::Registered);
            let late = presign_again(open, &own).await;
            assert_eq!(late, RepeatOutcome::NotPending);
            events += 1;
        }
    }
    (scope.clone(), events)
}

/// Keyed calls that are dropped after a few polls leave intent, event and key, or none of them, and
/// so do repeats.
pub async fn a_dropped_keyed_call_is_atomic(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scopes = four_scopes();
    let mut calls = Vec::new();
    for n in 0..120 {
        let scope = &scopes[usize::try_from(n % 4).unwrap()];
        let key = sample::key(scope, &format!("key-{n}"));
        let intent = sample::intent(scope, sample::asset_id(n));
        let polls = u32::try_from(n % 5).unwrap();
        let new = sample::keyed(&key, &intent);
        poll_and_drop(polls, open.catalog.record_keyed_intent(new)).await;
        let again = sample::presigned(&intent);
        poll_and_drop(polls, open.catalog.record_repeated_presign(again)).await;
        calls.push((key, intent));
    }
    // dropped calls that are still queued are written before these
    for (n, scope) in (1000..).zip(&scopes) {
        presign(&open, &sample::intent(scope, sample::asset_id(n))).await;
    }
    for (key, intent) in &calls {
        let standing = key_of(&open, key).await;
        let bodies = bodies_of(&open, &intent.scope, intent.asset_id).await;
        if standing.is_none() {
            let state = intent_state(&open, &intent.scope, intent.asset_id).await;
            assert_eq!((state, bodies), (None, vec![]), "{}", intent.asset_id);
            // and the key can be used again
            let outcome = presign_keyed(&open, key, intent).await;
            assert_eq!(outcome, KeyedOutcome::Recorded);
        } else {
            assert_eq!(standing, Some(pending_under_key(intent)));
            assert!((1..=2).contains(&bodies.len()), "{bodies:?}");
        }
        let new = sample::new_asset(intent, Provenance::default());
        assert_eq!(register(&open, &new).await, RegisterOutcome::Registered);
    }
    let mut next: BTreeMap<Scope, u64> = BTreeMap::new();
    for event in drain(&open.outbox, &sample::sink_name()).await {
        let expected = next.entry(event.body.scope()).or_default();
        *expected += 1;
        assert_eq!(event.sequence, *expected, "a gap in {}", event.body.scope());
    }
}
