use std::sync::{Arc, Mutex};

use nexus_raw::ports::EventOutbox;
use nexus_raw_catalog_sql::{SqlAssetCatalog, Transaction};
use nexus_raw_testkit::{
    sample,
    steps::{presign, presign_and_register},
};
use std::time::Duration;
use uuid::Uuid;

use crate::support::{Home, killed, settings};

#[tokio::test]
async fn the_hook_is_called_after_the_writes_and_before_the_commit() {
    let home = Home::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (file, log) = (home.file(), Arc::clone(&seen));
    let hook = move |written: Transaction| {
        // the files after a kill at this moment
        let after = killed(&file);
        log.lock().unwrap().push((written, after));
    };
    let settings = settings(&home.file(), sample::bucket());
    let catalog = SqlAssetCatalog::open_with_hook(settings, Arc::new(hook)).await;
    let catalog = catalog.unwrap();
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign_and_register(&catalog, &intent, sample::provenance()).await;
    presign(&catalog, &sample::intent(&scope, sample::asset_id(2))).await;
    let (owner, now) = (Uuid::from_u128(1), sample::now());
    catalog
        .lease(owner, now, Duration::from_secs(3))
        .await
        .unwrap();

    let presigned = Transaction {
        intents: true,
        assets: false,
        events: true,
    };
    let registered = Transaction {
        intents: false,
        assets: true,
        events: true,
    };
    let relays = Transaction::default();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let expected = [(presigned, 0), (registered, 1), (presigned, 2), (relays, 3)];
    assert_eq!(seen.len(), expected.len());
    for ((written, after), (transaction, events)) in seen.into_iter().zip(expected) {
        assert_eq!(written, transaction);
        let before = after.open().await;
        let committed = before.undelivered(&sample::sink_name(), 10, &[]).await;
        assert_eq!(committed.unwrap().len(), events);
    }
}
