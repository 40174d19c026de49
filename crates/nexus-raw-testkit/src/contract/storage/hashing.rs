use nexus_raw::{
    asset::{BucketName, ObjectAddress},
    ports::{HashOutcome, PinnedObject, StorageError},
};

use super::{StorageBench, StorageHarness};
use crate::sample::{self, CONTENT};

/// The read bytes are the uploaded ones.
pub async fn an_object_hashes_to_the_digest_of_its_bytes(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "an_object_hashes_to_the_digest_of_its_bytes").await;
    let intent = bench.intent(1);
    let object = bench.uploaded(&intent, CONTENT).await;
    for _ in 0..2 {
        let hashed = bench.repository.hash(&object).await.unwrap();
        assert_eq!(hashed, HashOutcome::Hashed(intent.facts.sha256.unwrap()));
    }
}

/// However the transport splits the bytes.
pub async fn an_object_of_many_pieces_hashes_to_the_digest_of_its_bytes(
    harness: &impl StorageHarness,
) {
    let bench = StorageBench::open(harness, "an_object_of_many_pieces_hashes").await;
    // a little more than two reads, without a short period
    let content: Vec<u8> = (0..(2 * 1024 * 1024 + 7_u32))
        .map(|n| (n ^ (n >> 8) ^ (n >> 16)).to_le_bytes()[0])
        .collect();
    let intent = bench.intent_of(1, sample::facts_of(&content));
    let object = bench.uploaded(&intent, &content).await;
    let hashed = bench.repository.hash(&object).await.unwrap();
    assert_eq!(hashed, HashOutcome::Hashed(intent.facts.sha256.unwrap()));
}

/// Only the pinned object is hashed.
pub async fn an_object_with_another_entity_tag_is_reported_as_replaced(
    harness: &impl StorageHarness,
) {
    let bench = StorageBench::open(harness, "an_object_under_another_entity_tag").await;
    let object = PinnedObject {
        etag: "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        ..bench.uploaded(&bench.intent(1), CONTENT).await
    };
    let hashed = bench.repository.hash(&object).await.unwrap();
    assert_eq!(hashed, HashOutcome::Replaced);
}

/// Absence is a result, not an error.
pub async fn an_absent_object_is_reported_as_gone(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "an_absent_object_is_reported_as_gone").await;
    let there = bench.uploaded(&bench.intent(1), CONTENT).await;
    let absent = PinnedObject {
        address: bench.intent(2).address,
        ..there
    };
    let hashed = bench.repository.hash(&absent).await.unwrap();
    assert_eq!(hashed, HashOutcome::Gone);
}

/// A bucket that was not probed is not trusted, so it is not read.
pub async fn an_object_in_an_unserved_bucket_is_not_hashed(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "an_object_of_a_bucket_not_served_is_not_hashed").await;
    let there = bench.uploaded(&bench.intent(1), CONTENT).await;
    let elsewhere = PinnedObject {
        address: ObjectAddress {
            bucket: BucketName::parse("somebody-elses-bucket").unwrap(),
            ..there.address.clone()
        },
        ..there
    };
    let answer = bench.repository.hash(&elsewhere).await;
    assert!(
        matches!(answer, Err(StorageError::ForeignBucket)),
        "{answer:?}"
    );
}
