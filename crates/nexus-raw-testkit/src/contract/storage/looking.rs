use nexus_raw::{
    asset::{BucketName, ObjectAddress},
    ports::StorageError,
};

use super::{StorageBench, StorageHarness, request};
use crate::sample::CONTENT;

/// Absence is a result, not an error.
pub async fn an_absent_object_is_none(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "an_absent_object_is_none").await;
    let intent = bench.intent(1);
    bench.presign(&intent).await;
    let stored = bench.repository.stat(&intent.address).await.unwrap();
    assert_eq!(stored, None);
}

/// Length, media type, metadata and, if the store keeps it, the digest.
pub async fn a_stored_object_is_reported_as_uploaded(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "a_stored_object_is_reported_as_uploaded").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    assert_eq!(bench.send(request(&upload, CONTENT)).await, 200);
    let stored = bench.repository.stat(&intent.address).await.unwrap();
    let stored = stored.unwrap();
    assert_eq!(stored.size_bytes, intent.facts.size_bytes.get());
    assert_eq!(stored.content_type.as_deref(), Some("image/jpeg"));
    let metadata = intent.object_metadata();
    let metadata = metadata.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(stored.user_metadata, metadata.into());
    assert_eq!(stored.foreign_headers, Vec::<&str>::new());
    if bench.repository.capabilities().enforces_sha256 {
        assert_eq!(stored.sha256, intent.facts.sha256);
    }
    assert!(
        !stored.etag.is_empty() && !stored.etag.contains('"'),
        "{}",
        stored.etag
    );
    assert_ne!(stored.version_id.as_deref(), Some(""));
}

/// A bucket that was not probed is not trusted, so it is not read.
pub async fn an_object_in_an_unserved_bucket_is_not_looked_up(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "an_object_of_a_bucket_that_is_not_served").await;
    let elsewhere = ObjectAddress {
        bucket: BucketName::parse("somebody-elses-bucket").unwrap(),
        ..bench.intent(1).address
    };
    let answer = bench.repository.stat(&elsewhere).await;
    assert!(
        matches!(answer, Err(StorageError::ForeignBucket)),
        "{answer:?}"
    );
}

/// A running store reports readiness.
pub async fn a_running_store_is_ready(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "a_running_store_is_ready").await;
    let ready = bench.repository.ready().await;
    assert!(ready.is_ok(), "{ready:?}");
}
