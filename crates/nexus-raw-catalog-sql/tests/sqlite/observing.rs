//! Notifications of an observer, which are the same for both databases.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt;
use nexus_raw::{
    asset::Disposition,
    ports::{
        AssetCatalog, CatalogError, DownloadKey, EventOutbox, Lease, PinnedObject, Progress,
        ProgressChange, WorkLedger,
    },
    tenancy::Scope,
};
use nexus_raw_catalog_sql::{CatalogObserver, GroupAttempt};
use nexus_raw_testkit::{sample, steps};
use uuid::Uuid;

use crate::support::Home;

#[derive(Default)]
struct Recorder {
    calls: Mutex<Vec<(&'static str, &'static str)>>,
    /// Written scopes, each with the number of calls that had ended before.
    written: Mutex<Vec<(Scope, usize)>>,
    leases: Mutex<Vec<Option<Lease>>>,
    attempts: Mutex<Vec<GroupAttempt>>,
}

impl CatalogObserver for Recorder {
    fn called(
        &self,
        operation: &'static str,
        _: Duration,
        outcome: Option<Result<(), &CatalogError>>,
    ) {
        let outcome = match outcome {
            Some(Ok(())) => "ok",
            Some(Err(CatalogError::AlreadyExists)) => "already exists",
            Some(Err(_)) => "failed",
            None => "dropped",
        };
        self.calls.lock().unwrap().push((operation, outcome));
    }

    fn attempted(&self, attempt: GroupAttempt) {
        self.attempts.lock().unwrap().push(attempt);
    }

    fn written(&self, scope: &Scope) {
        let ended = self.calls.lock().unwrap().len();
        self.written.lock().unwrap().push((scope.clone(), ended));
    }

    fn leased(&self, lease: Option<Lease>) {
        self.leases.lock().unwrap().push(lease);
    }
}

/// A repeat within the life of a URL asks the database for nothing.
#[tokio::test]
async fn a_repeated_download_reads_once() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    steps::presign_and_register(&catalog, &intent, sample::provenance()).await;
    let recorder = Arc::new(Recorder::default());
    catalog.observe(recorder.clone());
    let key = DownloadKey {
        scope: scope.clone(),
        asset_id: intent.asset_id,
        user: sample::user(),
        disposition: Disposition::Attachment,
    };
    let first = catalog.find_download(&key).await.unwrap();
    for _ in 0..3 {
        assert_eq!(catalog.find_download(&key).await.unwrap(), first);
    }
    let stranger = DownloadKey {
        scope: sample::scope("t_b", "dev"),
        ..key.clone()
    };
    assert_eq!(catalog.find_download(&stranger).await.unwrap(), None);
    let calls = recorder.calls.lock().unwrap().clone();
    assert_eq!(calls, [("find_download", "ok"); 2]);
    catalog.close().await;
    catalog.find_download(&key).await.unwrap_err();
}

#[tokio::test]
async fn an_observer_is_notified_of_each_call_each_write_and_the_lease() {
    let home = Home::new();
    let catalog = home.open().await;
    let recorder = Arc::new(Recorder::default());
    catalog.observe(recorder.clone());
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    for _ in 0..2 {
        // the second is refused and writes nothing
        let event = sample::presigned(&intent);
        let _ = catalog.record_intent(intent.clone(), event).await;
    }
    catalog.find_asset(&scope, intent.asset_id).await.unwrap();
    drop(catalog.ready().now_or_never());
    let ttl = Duration::from_secs(3);
    let lease = catalog.lease(Uuid::from_u128(1), sample::now(), ttl);
    let lease = lease.await.unwrap();
    let other = catalog.lease(Uuid::from_u128(2), sample::now(), ttl).await;
    assert_eq!(other.unwrap(), None);
    let progress = Progress {
        sink: sample::sink_name(),
        epoch: lease.unwrap().epoch,
        change: ProgressChange::Delivered(vec![(scope.clone(), 1)]),
    };
    assert!(catalog.advance(progress).await.unwrap());
    let object = PinnedObject {
        scope: scope.clone(),
        asset_id: intent.asset_id,
        address: intent.address.clone(),
        size_bytes: intent.facts.size_bytes,
        etag: "e".to_owned(),
        version_id: None,
    };
    let claim = catalog.claim_hashing(&object, Uuid::from_u128(1), sample::now(), ttl);
    claim.await.unwrap();

    assert_eq!(
        *recorder.calls.lock().unwrap(),
        [
            ("record_intent", "ok"),
            ("record_intent", "already exists"),
            ("find_asset", "ok"),
            ("ready", "dropped"),
            ("lease", "ok"),
            ("lease", "ok"),
            ("delivered", "ok"),
            ("claim_hashing", "ok"),
        ]
    );
    // before the response to the caller, so that a waiter for the event finds it
    let written = recorder.written.lock().unwrap();
    assert_eq!(*written, [(scope.clone(), 0), (scope, 1)]);
    assert_eq!(*recorder.leases.lock().unwrap(), [lease, None]);
    let attempts = recorder.attempts.lock().unwrap();
    assert!(attempts.len() == 6 && attempts.iter().all(|it| it.calls == 1 && it.committed));
}
