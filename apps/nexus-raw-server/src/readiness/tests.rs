use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use async_trait::async_trait;
use futures_util::future::join_all;
use nexus_raw::{
    asset::{BucketName, DeclaredPart, ObjectAddress, UploadId, UploadIntent},
    ports::{
        CompletionOutcome, DownloadTerms, HashOutcome, MockAssetCatalog, MockRawStorageRepository,
        OpenUpload, OpenUploads, PartTerms, PartsListing, PinnedObject, PresignedDownload,
        PresignedUpload, StoreCapabilities, StoredObject, UploadTerms, UploadsMarker,
    },
};
use nexus_raw_testkit::sample;
use tokio::time::{advance, sleep};

use super::*;

/// A store whose readiness check takes a while.
#[derive(Debug)]
struct SlowStore(MockRawStorageRepository, Duration);

#[async_trait]
impl RawStorageRepository for SlowStore {
    fn bucket(&self) -> &BucketName {
        self.0.bucket()
    }

    fn capabilities(&self) -> StoreCapabilities {
        self.0.capabilities()
    }

    async fn presign_upload<'a>(
        &self,
        terms: UploadTerms<'a>,
    ) -> Result<PresignedUpload, StorageError> {
        self.0.presign_upload(terms).await
    }

    async fn begin_upload(&self, intent: &UploadIntent) -> Result<UploadId, StorageError> {
        self.0.begin_upload(intent).await
    }

    async fn presign_parts<'a>(
        &self,
        terms: PartTerms<'a>,
        parts: &'a [DeclaredPart],
    ) -> Result<Vec<PresignedUpload>, StorageError> {
        self.0.presign_parts(terms, parts).await
    }

    async fn stored_parts(
        &self,
        upload: &OpenUpload,
        after: u16,
        limit: u16,
    ) -> Result<PartsListing, StorageError> {
        self.0.stored_parts(upload, after, limit).await
    }

    async fn complete(
        &self,
        upload: &OpenUpload,
        parts: &[DeclaredPart],
    ) -> Result<CompletionOutcome, StorageError> {
        self.0.complete(upload, parts).await
    }

    async fn abort(&self, upload: &OpenUpload) -> Result<(), StorageError> {
        self.0.abort(upload).await
    }

    async fn open_uploads(
        &self,
        after: Option<UploadsMarker>,
    ) -> Result<OpenUploads, StorageError> {
        self.0.open_uploads(after).await
    }

    async fn presign_download<'a>(
        &self,
        terms: DownloadTerms<'a>,
    ) -> Result<PresignedDownload, StorageError> {
        self.0.presign_download(terms).await
    }

    async fn stat(&self, address: &ObjectAddress) -> Result<Option<StoredObject>, StorageError> {
        self.0.stat(address).await
    }

    async fn hash(&self, object: &PinnedObject) -> Result<HashOutcome, StorageError> {
        self.0.hash(object).await
    }

    async fn ready(&self) -> Result<(), StorageError> {
        let ready = self.0.ready().await;
        sleep(self.1).await;
        ready
    }
}

/// Returns a readiness with the number of checks of store and catalogue. The store responds after
/// `takes`, and the first time with an error if `away_at_first`.
fn counted(takes: Duration, away_at_first: bool) -> (Readiness, Arc<AtomicU32>, Arc<AtomicU32>) {
    let (stores, catalogs) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let mut storage = MockRawStorageRepository::new();
    let count = Arc::clone(&stores);
    storage.expect_ready().returning(move || {
        if count.fetch_add(1, SeqCst) == 0 && away_at_first {
            return Err(StorageError::Unavailable("down".into()));
        }
        Ok(())
    });
    let mut catalog = MockAssetCatalog::new();
    let count = Arc::clone(&catalogs);
    catalog.expect_ready().returning(move || {
        count.fetch_add(1, SeqCst);
        Ok(())
    });
    let storage = Arc::new(SlowStore(storage, takes));
    let readiness = Readiness::new(storage, Arc::new(catalog), Backlogs::default(), CHECK_TTL);
    (readiness, stores, catalogs)
}

#[tokio::test(start_paused = true)]
async fn store_and_catalogue_are_checked_once_a_second_for_all_callers() {
    let (readiness, stores, catalogs) = counted(Duration::ZERO, false);
    for millis in 0..5000 {
        join_all((0..10).map(|_| readiness.check()))
            .await
            .into_iter()
            .for_each(|looked| looked.unwrap());
        let seconds = millis / 1000 + 1;
        assert_eq!(
            (stores.load(SeqCst), catalogs.load(SeqCst)),
            (seconds, seconds)
        );
        advance(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_during_a_check_gets_its_result_however_long_it_takes() {
    let (readiness, stores, _) = counted(Duration::from_secs(4), true);
    let checks = (0..30).map(async |tenth| {
        sleep(Duration::from_millis(tenth * 100)).await;
        readiness.check().await
    });
    let result = join_all(checks).await;
    assert!(
        result
            .iter()
            .all(|it| matches!(it, Err(Unready::Storage(_)))),
        "{result:?}"
    );
    assert_eq!(stores.load(SeqCst), 1);
    // a failure is not cached for longer
    assert!(readiness.check().await.is_ok());
    assert_eq!(stores.load(SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_check_goes_on_when_its_caller_goes_away() {
    let (readiness, stores, _) = counted(Duration::from_millis(600), false);
    assert!(readiness.check().now_or_never().is_none());
    sleep(Duration::from_millis(700)).await;
    // it is done by now
    assert!(
        readiness
            .check()
            .now_or_never()
            .is_some_and(|looked| looked.is_ok())
    );
    assert_eq!(stores.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_is_reported_as_such_and_the_next_one_runs_again() {
    let mut storage = MockRawStorageRepository::new();
    storage
        .expect_ready()
        .once()
        .returning(|| panic!("on purpose"));
    storage.expect_ready().returning(|| Ok(()));
    let mut catalog = MockAssetCatalog::new();
    catalog.expect_ready().returning(|| Ok(()));
    let backlogs = Backlogs::default();
    let readiness = Readiness::new(Arc::new(storage), Arc::new(catalog), backlogs, CHECK_TTL);
    assert!(matches!(readiness.check().await, Err(Unready::Interrupted)));
    advance(CHECK_TTL).await;
    assert!(readiness.check().await.is_ok());
}

#[test]
fn the_sink_that_lags_most_is_reported() {
    let backlogs = Backlogs::default();
    assert_eq!(backlogs.oldest(), None);
    let sinks = ["http", "log", "nats"].map(|name| SinkName::parse(name).unwrap());
    for (sink, seconds) in sinks.iter().zip([Some(20), Some(10), None]) {
        backlogs.note(sink, seconds.map(sample::seconds_after));
    }
    let log = Some((sinks[1].clone(), sample::seconds_after(10)));
    assert_eq!(backlogs.oldest(), log);
    backlogs.note(&sinks[1], None);
    let http = Some((sinks[0].clone(), sample::seconds_after(20)));
    assert_eq!(backlogs.oldest(), http);
}
