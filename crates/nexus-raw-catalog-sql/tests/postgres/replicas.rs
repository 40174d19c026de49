//! Several servers on one database.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use nexus_raw::{
    asset::Provenance,
    event::EventType,
    ports::{
        AssetCatalog, CatalogError, EventOutbox, EventQuery, Progress, ProgressChange,
        RegisterOutcome,
    },
    tenancy::Scope,
};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_testkit::{sample, steps::presign};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::Home;

async fn three(home: &Home) -> [Arc<SqlAssetCatalog>; 3] {
    [
        Arc::new(home.open().await),
        Arc::new(home.open().await),
        Arc::new(home.open().await),
    ]
}

/// 48 writers on three servers race in four scopes for some of the same assets: each asset is
/// registered once, each scope counts from 1 without a gap, and a presign comes before its
/// registration.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_scope_counts_without_a_gap_over_three_servers() {
    let home = Home::new().await;
    let servers = three(&home).await;
    let scopes: Vec<Scope> = (0..4)
        .map(|n| sample::scope(&format!("t_{n}"), "dev"))
        .collect();
    let mut writers = JoinSet::new();
    for writer in 0..48_u64 {
        let scope = scopes[usize::try_from(writer % 4).unwrap()].clone();
        let server = servers[usize::try_from(writer % 3).unwrap()].clone();
        writers.spawn(async move {
            let mut registered = 0;
            for n in 0..6 {
                // four writers of a scope share each id
                let intent = sample::intent(&scope, sample::asset_id(writer / 16 * 100 + n));
                let event = sample::presigned(&intent);
                match server.record_intent(intent.clone(), event).await {
                    Ok(()) | Err(CatalogError::AlreadyExists) => {}
                    Err(other) => panic!("{other:?}"),
                }
                let new = sample::new_asset(&intent, Provenance::default());
                match server.register(new).await.unwrap() {
                    RegisterOutcome::Registered => registered += 1,
                    RegisterOutcome::AlreadyRegistered { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
            registered
        });
    }
    let registered: u64 = writers.join_all().await.into_iter().sum();
    assert_eq!(registered, 4 * 3 * 6);
    for (scope, server) in scopes.iter().zip(servers.iter().cycle()) {
        let events = server
            .events(scope, &EventQuery::first(1000))
            .await
            .unwrap();
        let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
        assert_eq!(sequences, (1..=36).collect::<Vec<_>>(), "{scope}");
        let mut seen: BTreeMap<_, Vec<EventType>> = BTreeMap::new();
        for event in events {
            let of_asset = seen.entry(event.body.asset_id).or_default();
            of_asset.push(event.body.event_type);
        }
        let both = [EventType::RawAssetPresigned, EventType::RawAssetRegistered];
        assert!(seen.values().all(|types| *types == both), "{seen:?}");
    }
}

/// All servers share one lease, and writes with an ended epoch are refused.
#[tokio::test]
async fn one_of_three_servers_relays_and_a_late_one_moves_no_cursor() {
    let home = Home::new().await;
    let [one, other, third] = three(&home).await;
    let scope = sample::scope("t_a", "dev");
    presign(&*one, &sample::intent(&scope, sample::asset_id(1))).await;
    let ttl = Duration::from_secs(3);
    let owner = Uuid::from_u128;
    let at = sample::seconds_after;
    let first = one.lease(owner(1), at(0), ttl).await.unwrap().unwrap();
    assert_eq!(other.lease(owner(2), at(1), ttl).await.unwrap(), None);
    let second = other.lease(owner(2), at(3), ttl).await.unwrap().unwrap();
    assert!(second.epoch > first.epoch);
    let sink = sample::sink_name();
    let taken = |epoch| Progress {
        sink: sink.clone(),
        epoch,
        change: ProgressChange::Delivered(vec![(scope.clone(), 1)]),
    };
    assert!(!one.advance(taken(first.epoch)).await.unwrap());
    assert_eq!(third.undelivered(&sink, 10, &[]).await.unwrap().len(), 1);
    assert!(other.advance(taken(second.epoch)).await.unwrap());
    assert_eq!(third.undelivered(&sink, 10, &[]).await.unwrap().len(), 0);
}
