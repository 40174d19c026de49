use std::{sync::Arc, time::Duration};

use nexus_raw::ports::{AssetCatalog, CatalogError, EventOutbox, EventQuery};
use nexus_raw_testkit::{
    sample,
    steps::{presign, presign_and_register},
};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::{Home, killed};

#[tokio::test]
async fn acknowledged_writes_survive_a_kill() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let [first, second] = [1, 2].map(|n| sample::intent(&scope, sample::asset_id(n)));
    let new = presign_and_register(&catalog, &first, sample::provenance()).await;
    presign(&catalog, &second).await;
    let events = catalog
        .undelivered(&sample::sink_name(), 10, &[])
        .await
        .unwrap();
    assert_eq!(events.len(), 3);

    let after = killed(&home.file());
    let reopened = after.open().await;
    let found = reopened.find_asset(&scope, first.asset_id).await.unwrap();
    assert_eq!(found.map(|it| it.asset), Some(new.asset));
    let again = reopened.undelivered(&sample::sink_name(), 10, &[]).await;
    assert_eq!(again.unwrap(), events);
    presign(&reopened, &sample::intent(&scope, sample::asset_id(3))).await;
    let next = reopened
        .events(
            &scope,
            &EventQuery::first(1000).of_asset(sample::asset_id(3)),
        )
        .await;
    assert_eq!(next.unwrap()[0].sequence, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_during_writes_leaves_no_gap_and_no_partial_write() {
    let home = Home::new();
    let catalog = Arc::new(home.open().await);
    let scope = sample::scope("t_a", "dev");
    let mut writers = JoinSet::new();
    for n in 0..300 {
        let catalog = catalog.clone();
        let intent = sample::intent(&scope, sample::asset_id(n));
        writers.spawn(async move { presign(&*catalog, &intent).await });
    }
    for answered in [10, 100, 200] {
        while writers.len() > 300 - answered {
            writers.join_next().await.unwrap().unwrap();
        }
        let after = killed(&home.file());
        let reopened = after.open().await;
        let events = reopened
            .undelivered(&sample::sink_name(), 1000, &[])
            .await
            .unwrap();
        assert!(events.len() >= answered, "{} of {answered}", events.len());
        for (sequence, event) in (1..).zip(&events) {
            assert_eq!(event.sequence, sequence);
            let intent = reopened.find_intent(&scope, event.body.asset_id).await;
            assert!(intent.unwrap().is_some());
        }
    }
    writers.join_all().await;
}

#[tokio::test]
async fn a_growing_wal_is_checkpointed() {
    let home = Home::new();
    let catalog = Arc::new(home.open().await);
    let scope = sample::scope("t_a", "dev");
    let mut sizes = Vec::new();
    for round in 0..16 {
        let mut writers = JoinSet::new();
        for n in 0..500 {
            let catalog = catalog.clone();
            let intent = sample::intent(&scope, sample::asset_id(round * 500 + n));
            writers.spawn(async move { presign(&*catalog, &intent).await });
        }
        writers.join_all().await;
        let log = home.file().with_file_name("catalog.sqlite-wal");
        sizes.push(log.metadata().unwrap().len());
    }
    // a thousand writes are of a size that depends on their groups; without checkpoints the log
    // would be eight times as long in the end
    assert!(sizes[15] < 4 * sizes[1], "{sizes:?}");
}

#[tokio::test]
async fn the_lease_of_a_killed_process_ends_when_the_next_one_opens_its_catalogue() {
    let home = Home::new();
    let catalog = home.open().await;
    let (ttl, now) = (Duration::from_hours(1), sample::now());
    let [gone, next] = [1, 2].map(Uuid::from_u128);
    let held = catalog.lease(gone, now, ttl).await.unwrap().unwrap();
    assert_eq!(catalog.lease(next, now, ttl).await.unwrap(), None);

    let after = killed(&home.file());
    let reopened = after.open().await;
    let taken = reopened.lease(next, now, ttl).await.unwrap().unwrap();
    assert!(taken.epoch > held.epoch);
}

#[tokio::test]
async fn a_write_to_a_deleted_file_is_not_acknowledged() {
    let scope = sample::scope("t_a", "dev");
    for suffix in ["", "-wal"] {
        let home = Home::new();
        let catalog = home.open().await;
        presign(&catalog, &sample::intent(&scope, sample::asset_id(1))).await;
        let file = home
            .file()
            .with_file_name(format!("catalog.sqlite{suffix}"));
        std::fs::rename(&file, file.with_extension("gone")).unwrap();

        let intent = sample::intent(&scope, sample::asset_id(2));
        let event = sample::presigned(&intent);
        let answer = catalog.record_intent(intent, event).await;
        assert!(
            matches!(answer, Err(CatalogError::Unavailable(_))),
            "{suffix}"
        );
        catalog.failed().await;
        assert!(catalog.ready().await.is_err());
    }
}
