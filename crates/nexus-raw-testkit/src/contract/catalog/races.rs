use std::{collections::BTreeMap, future::Future, pin::pin, task::Poll};

use nexus_raw::{
    asset::{Provenance, UploadIntent},
    event::EventType,
    ports::{CatalogError, IntentState, RegisterOutcome},
    tenancy::Scope,
};
use tokio::task::JoinSet;

use super::{
    CatalogHarness, OpenCatalog, already_registered, bodies_of, events, intent_state, presign,
    record, register,
};
use crate::{contract::outbox::drain, sample};

/// One caller writes; all others get exactly that record; there is one event.
pub async fn one_of_a_hundred_racing_registrations_writes(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign(&open, &intent).await;
    let mut racers = JoinSet::new();
    for n in 0..100 {
        // each at another second, to identify the written record
        let at = sample::seconds_after(n);
        let new = sample::new_asset_at(at, &intent, sample::provenance());
        let open = open.clone();
        racers.spawn(async move { (register(&open, &new).await, new) });
    }
    let outcomes = racers.join_all().await;
    let winners: Vec<_> = outcomes
        .iter()
        .filter(|(outcome, _)| *outcome == RegisterOutcome::Registered)
        .collect();
    let [(_, winner)] = winners[..] else {
        panic!(
            "expected: one registration that wrote\n    came: {}",
            winners.len()
        );
    };
    let losers = outcomes
        .iter()
        .filter(|(outcome, _)| *outcome == already_registered(winner));
    assert_eq!(losers.count(), 99);
    assert_eq!(
        record(&open, &scope, intent.asset_id).await,
        Some(winner.asset.clone())
    );
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, sample::presigned(&intent)), (2, winner.event.clone())]
    );
}

/// One is recorded, the others are `AlreadyExists`, and the sequence counts one.
pub async fn one_of_many_racing_intents_with_one_id_is_recorded(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let mut racers = JoinSet::new();
    for n in 0..20 {
        let intent = UploadIntent {
            ends_at: sample::seconds_after(n),
            ..sample::intent(&scope, sample::asset_id(1))
        };
        let catalog = open.catalog.clone();
        racers.spawn(async move {
            let event = sample::presigned(&intent);
            (catalog.record_intent(intent.clone(), event).await, intent)
        });
    }
    let mut recorded = Vec::new();
    for (outcome, intent) in racers.join_all().await {
        match outcome {
            Ok(()) => recorded.push(intent),
            Err(CatalogError::AlreadyExists) => {}
            Err(other) => panic!("expected: AlreadyExists\n    came: {other:?}"),
        }
    }
    let [winner] = &recorded[..] else {
        panic!(
            "expected: one recorded intent\n    came: {}",
            recorded.len()
        );
    };
    assert_eq!(
        intent_state(&open, &scope, winner.asset_id).await,
        Some(IntentState::Pending(winner.clone()))
    );
    assert_eq!(
        bodies_of(&open, &scope, winner.asset_id).await,
        [(1, sample::presigned(winner))]
    );
}

/// 64 writers at once over four scopes, presigning, registering and failing: each scope's events
/// are numbered from 1 without a gap, and each asset's presign comes before its registration.
pub async fn mixed_writers_in_many_scopes_leave_no_gap(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scopes = four_scopes();
    let mut writers = JoinSet::new();
    for writer in 0..64 {
        let scope = scopes[usize::try_from(writer % 4).unwrap()].clone();
        let open = open.clone();
        writers.spawn(async move {
            for n in 0..4 {
                let intent = sample::intent(&scope, sample::asset_id(writer * 4 + n));
                presign(&open, &intent).await;
                write_what_must_fail(&open, &intent).await;
                if n % 2 == 0 {
                    let new = sample::new_asset(&intent, sample::provenance());
                    assert_eq!(register(&open, &new).await, RegisterOutcome::Registered);
                }
            }
        });
    }
    writers.join_all().await;
    let mut per_scope: BTreeMap<Scope, Vec<_>> = BTreeMap::new();
    for event in drain(&open.outbox, &sample::sink_name()).await {
        let scope = event.body.scope();
        per_scope.entry(scope).or_default().push(event);
    }
    assert_eq!(per_scope.len(), scopes.len());
    for (scope, events) in per_scope {
        let sequences = events.iter().map(|event| event.sequence);
        // 16 writers of 4 presigns and 2 registrations each
        assert_eq!(
            sequences.collect::<Vec<_>>(),
            (1..=96).collect::<Vec<_>>(),
            "{scope}"
        );
        let mut presigned = std::collections::BTreeSet::new();
        for event in events {
            match event.body.event_type {
                EventType::RawAssetPresigned => assert!(presigned.insert(event.body.asset_id)),
                EventType::RawAssetRegistered
                | EventType::RawAssetDownloadPresigned
                | EventType::RawAssetFactStated
                | EventType::RawAssetUploadAborted
                | EventType::RawAssetVerified
                | EventType::RawAssetCorrupt => {
                    assert!(presigned.contains(&event.body.asset_id));
                }
            }
        }
    }
}

/// Writes an existing intent, and a registration with absent parents, which both fail.
async fn write_what_must_fail(open: &OpenCatalog, intent: &UploadIntent) {
    let repeated = open
        .catalog
        .record_intent(intent.clone(), sample::presigned(intent))
        .await;
    assert!(
        matches!(repeated, Err(CatalogError::AlreadyExists)),
        "{repeated:?}"
    );
    let orphan = sample::new_asset(intent, sample::derived_from(&[sample::asset_id(u64::MAX)]));
    assert_eq!(
        register(open, &orphan).await,
        RegisterOutcome::UnknownParents(vec![0])
    );
}

/// Calls that are dropped after a few polls leave either state and event, or neither, and do not
/// block later calls.
pub async fn a_dropped_call_is_atomic(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scopes = four_scopes();
    let intents: Vec<_> = (0..200)
        .map(|n| {
            sample::intent(
                &scopes[usize::try_from(n % 4).unwrap()],
                sample::asset_id(n),
            )
        })
        .collect();
    for (polls, intent) in (0..).zip(&intents) {
        let recorded = open
            .catalog
            .record_intent(intent.clone(), sample::presigned(intent));
        poll_and_drop(polls % 4, recorded).await;
        let new = sample::new_asset(intent, Provenance::default());
        poll_and_drop(polls % 3, open.catalog.register(new)).await;
    }
    for (n, scope) in (1000..).zip(&scopes) {
        presign(&open, &sample::intent(scope, sample::asset_id(n))).await;
    }
    for intent in &intents {
        assert_whole(&open, intent).await;
    }
    let mut next: BTreeMap<Scope, u64> = BTreeMap::new();
    for event in drain(&open.outbox, &sample::sink_name()).await {
        let expected = next.entry(event.body.scope()).or_default();
        *expected += 1;
        assert_eq!(event.sequence, *expected, "a gap in {}", event.body.scope());
    }
}

/// The events of an asset are exactly those of its state.
async fn assert_whole(open: &OpenCatalog, intent: &UploadIntent) {
    loop {
        let before = events(open, &intent.scope, intent.asset_id).await;
        let state = intent_state(open, &intent.scope, intent.asset_id).await;
        let types: Vec<_> = before.iter().map(|event| event.body.event_type).collect();
        if before != events(open, &intent.scope, intent.asset_id).await {
            // a dropped call may still be queued: retry
            tokio::task::yield_now().await;
            continue;
        }
        let expected: &[EventType] = match state {
            None => &[],
            Some(IntentState::Pending(_)) => &[EventType::RawAssetPresigned],
            Some(IntentState::Registered { .. }) => {
                &[EventType::RawAssetPresigned, EventType::RawAssetRegistered]
            }
            Some(IntentState::Aborted(_)) => &[
                EventType::RawAssetPresigned,
                EventType::RawAssetUploadAborted,
            ],
        };
        assert_eq!(types, expected, "{}", intent.asset_id);
        return;
    }
}

/// Polls a call at most `polls` times, then drops it.
pub(super) async fn poll_and_drop<F: Future>(polls: u32, call: F) {
    let mut call = pin!(call);
    for _ in 0..polls {
        let done =
            std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready()));
        if done.await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

pub(super) fn four_scopes() -> [Scope; 4] {
    [
        ("t_a", "dev"),
        ("t_a", "prod"),
        ("t_ab", "dev"),
        ("t_b", "staging"),
    ]
    .map(|(tenant, environment)| sample::scope(tenant, environment))
}
