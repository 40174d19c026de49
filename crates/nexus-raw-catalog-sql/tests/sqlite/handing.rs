//! Events that the writer hands to the relay without a read, and cursors that are written later.

use std::time::Duration;

use nexus_raw::{
    asset::{Fact, FactValue},
    event::DatasetEvent,
    ports::{AssetCatalog, EventOutbox, EventQuery, ParkedEvent, Progress, ProgressChange},
    tenancy::Scope,
};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_testkit::{
    sample,
    steps::{presign, presign_and_register, state_fact},
};
use uuid::Uuid;

use crate::support::{Home, killed};

const OWNER: Uuid = Uuid::from_u128(1);

/// The number of events that wait in memory at most.
const CAPACITY: u64 = 4096;

async fn undelivered(catalog: &SqlAssetCatalog, limit: u32) -> Vec<DatasetEvent> {
    let events = catalog.undelivered(&sample::sink_name(), limit, &[]).await;
    events.unwrap()
}

async fn lease(catalog: &SqlAssetCatalog) -> u64 {
    let ttl = Duration::from_secs(30);
    let lease = catalog.lease(OWNER, sample::now(), ttl).await.unwrap();
    lease.unwrap().epoch
}

async fn advance(catalog: &SqlAssetCatalog, epoch: u64, change: ProgressChange) -> bool {
    let sink = sample::sink_name();
    let progress = Progress {
        sink,
        epoch,
        change,
    };
    catalog.advance(progress).await.unwrap()
}

async fn deliver(catalog: &SqlAssetCatalog, epoch: u64, events: &[DatasetEvent]) -> bool {
    let cursors = events.iter().map(|it| (it.body.scope(), it.sequence));
    advance(catalog, epoch, ProgressChange::Delivered(cursors.collect())).await
}

/// Changes rows so that a read of events fails, and returns what undoes it.
async fn break_reads(home: &Home) {
    home.tamper("UPDATE event SET facts_salt = zeroblob(32)")
        .await;
}

fn intent(scope: &Scope, n: u64) -> nexus_raw::asset::UploadIntent {
    sample::intent(scope, sample::asset_id(n))
}

#[tokio::test]
async fn what_a_sink_follows_is_not_read_and_is_what_a_read_returns() {
    let home = Home::new();
    let catalog = home.open().await;
    let scopes = [sample::scope("t_a", "dev"), sample::scope("t_b", "dev")];
    presign(&catalog, &intent(&scopes[0], 1)).await;
    assert_eq!(undelivered(&catalog, 100).await.len(), 1);
    for scope in &scopes {
        presign_and_register(&catalog, &intent(scope, 2), sample::provenance()).await;
        let fact = Fact::new(FactValue::TrainOk(false));
        state_fact(&catalog, scope, sample::asset_id(2), fact).await;
    }
    let mut read = Vec::new();
    for scope in &scopes {
        read.extend(
            catalog
                .events(scope, &EventQuery::first(100))
                .await
                .unwrap(),
        );
    }
    assert_eq!(read.len(), 7);
    break_reads(&home).await;
    catalog
        .events(&scopes[0], &EventQuery::first(100))
        .await
        .unwrap_err();
    let mut handed = undelivered(&catalog, 100).await;
    handed.sort_by_key(|it| (it.body.tenant_id.clone(), it.sequence));
    assert_eq!(handed, read);
}

#[tokio::test]
async fn a_cursor_is_written_with_the_next_write_and_after_a_kill_nothing_is_lost() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let epoch = lease(&catalog).await;
    assert_eq!(undelivered(&catalog, 100).await, []);
    presign(&catalog, &intent(&scope, 1)).await;
    let first = undelivered(&catalog, 100).await;
    assert!(deliver(&catalog, epoch, &first).await);
    assert_eq!(undelivered(&catalog, 100).await, []);

    // not written yet: the next process delivers it again
    let before = killed(&home.file());
    let killed_before = before.open().await;
    assert_eq!(undelivered(&killed_before, 100).await, first);

    presign(&catalog, &intent(&scope, 2)).await;
    let after = killed(&home.file());
    let killed_after = after.open().await;
    let second = undelivered(&catalog, 100).await;
    assert_eq!(second.len(), 1);
    assert_eq!(undelivered(&killed_after, 100).await, second);

    // the renewal of the lease is a write, and so is the end
    assert!(deliver(&catalog, epoch, &second).await);
    lease(&catalog).await;
    let later = killed(&home.file());
    let killed_later = later.open().await;
    assert_eq!(undelivered(&killed_later, 100).await, []);
    presign(&catalog, &intent(&scope, 3)).await;
    let third = undelivered(&catalog, 100).await;
    assert!(deliver(&catalog, epoch, &third).await);
    catalog.close().await;
    assert_eq!(undelivered(&home.open().await, 100).await, []);
}

#[tokio::test]
async fn only_the_current_epoch_moves_a_cursor_in_memory() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    assert_eq!(undelivered(&catalog, 100).await, []);
    presign(&catalog, &intent(&scope, 1)).await;
    let events = undelivered(&catalog, 100).await;
    assert!(!deliver(&catalog, 1, &events).await);
    let epoch = lease(&catalog).await;
    assert!(!deliver(&catalog, epoch + 1, &events).await);
    assert_eq!(undelivered(&catalog, 100).await, events);
    assert!(deliver(&catalog, epoch, &events).await);
    assert_eq!(undelivered(&catalog, 100).await, []);
}

#[tokio::test]
async fn a_parked_event_and_those_of_a_held_scope_are_skipped_in_memory_too() {
    let home = Home::new();
    let catalog = home.open().await;
    let scopes = [sample::scope("t_a", "dev"), sample::scope("t_b", "dev")];
    let epoch = lease(&catalog).await;
    assert_eq!(undelivered(&catalog, 100).await, []);
    for n in 1..=2 {
        for scope in &scopes {
            presign(&catalog, &intent(scope, n)).await;
        }
    }
    break_reads(&home).await;
    let sink = sample::sink_name();
    let held = [scopes[0].clone()];
    let free = catalog.undelivered(&sink, 1, &held).await.unwrap();
    assert_eq!(free[0].body.scope(), scopes[1]);
    let parked = ParkedEvent {
        scope: scopes[1].clone(),
        sequence: 1,
        reason: "refused".to_owned(),
        parked_at: sample::now(),
    };
    assert!(advance(&catalog, epoch, ProgressChange::Parked(parked)).await);
    let rest = undelivered(&catalog, 100).await;
    let places = rest.iter().map(|it| (it.body.scope(), it.sequence));
    let [one, two] = scopes;
    assert_eq!(
        places.collect::<Vec<_>>(),
        [(one.clone(), 1), (one, 2), (two, 2)]
    );
}

#[tokio::test]
async fn a_sink_that_falls_behind_reads_what_it_missed_each_once() {
    let home = Home::new();
    let catalog = std::sync::Arc::new(home.open().await);
    let scope = sample::scope("t_a", "dev");
    let epoch = lease(&catalog).await;
    assert_eq!(undelivered(&catalog, 100).await, []);
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..CAPACITY + 10 {
        let (catalog, intent) = (catalog.clone(), intent(&scope, n));
        writers.spawn(async move { presign(&*catalog, &intent).await });
        if writers.len() >= 256 {
            writers.join_next().await.unwrap().unwrap();
        }
    }
    writers.join_all().await;
    let mut sequences = Vec::new();
    loop {
        let events = undelivered(&catalog, 256).await;
        if events.is_empty() {
            break;
        }
        sequences.extend(events.iter().map(|it| it.sequence));
        assert!(deliver(&catalog, epoch, &events).await);
    }
    assert_eq!(sequences, (1..=CAPACITY + 10).collect::<Vec<_>>());
    // and follows again
    presign(&*catalog, &intent(&scope, CAPACITY + 10)).await;
    break_reads(&home).await;
    assert_eq!(undelivered(&catalog, 256).await.len(), 1);
}
