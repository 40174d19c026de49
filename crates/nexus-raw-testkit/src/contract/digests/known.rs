use nexus_raw::{
    asset::Sha256Digest,
    ports::{PinnedObject, WorkClaim},
};

use super::{OWNER, RIVAL, claim_at, digest, known, object, promised, record, taken, taken_at};
use crate::{contract::catalog::CatalogHarness, sample};

/// Neither with nor without an intent.
pub async fn an_unrecorded_digest_is_unknown(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let promised = promised(&open, &scope, 1).await;
    assert_eq!(known(&open, &promised).await, None);
    assert_eq!(known(&open, &object(&scope, 2)).await, None);
    taken(&open, &promised).await;
    assert_eq!(known(&open, &promised).await, None);
}

/// Reads and claims return it, so nothing is hashed twice.
pub async fn a_recorded_digest_is_known_and_ends_the_claim(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let object = promised(&open, &sample::scope("t_a", "dev"), 1).await;
    let epoch = taken(&open, &object).await.epoch;
    assert!(record(&open, &object, epoch, digest()).await);
    assert_eq!(known(&open, &object).await, Some(digest()));
    for owner in [OWNER, RIVAL] {
        assert_eq!(
            claim_at(&open, &object, owner, 0).await,
            WorkClaim::Known(digest())
        );
    }
    assert!(!record(&open, &object, epoch, Sha256Digest::of(b"")).await);
    assert_eq!(known(&open, &object).await, Some(digest()));
}

/// Another object at the same address is another object.
pub async fn a_digest_is_of_one_etag_and_one_version(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let hashed = PinnedObject {
        version_id: Some("v1".to_owned()),
        ..promised(&open, &sample::scope("t_a", "dev"), 1).await
    };
    let epoch = taken(&open, &hashed).await.epoch;
    assert!(record(&open, &hashed, epoch, digest()).await);
    let others = [
        (hashed.etag.clone(), Some("v2".to_owned())),
        (hashed.etag.clone(), None),
        (hashed.etag.clone(), Some(String::new())),
        ("other".to_owned(), Some("v1".to_owned())),
    ];
    for (etag, version_id) in others {
        let other = PinnedObject {
            etag,
            version_id,
            ..hashed.clone()
        };
        assert_eq!(known(&open, &other).await, None, "{other:?}");
    }
    assert_eq!(known(&open, &hashed).await, Some(digest()));
    let other = PinnedObject {
        version_id: None,
        ..hashed
    };
    let claim = claim_at(&open, &other, RIVAL, 0).await;
    assert!(matches!(claim, WorkClaim::Taken(_)), "{claim:?}");
}

/// The latest object at the address counts.
pub async fn a_later_digest_replaces_an_earlier_one(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let before = promised(&open, &sample::scope("t_a", "dev"), 1).await;
    let epoch = taken(&open, &before).await.epoch;
    assert!(record(&open, &before, epoch, digest()).await);
    let after = PinnedObject {
        etag: "other".to_owned(),
        ..before.clone()
    };
    let epoch = taken(&open, &after).await.epoch;
    let found = Sha256Digest::of(b"other");
    assert!(record(&open, &after, epoch, found).await);
    assert_eq!(known(&open, &after).await, Some(found));
    assert_eq!(known(&open, &before).await, None);
}

/// One id in two scopes is two objects, even with equal entity tags.
pub async fn a_digest_does_not_affect_another_scope(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let mine = promised(&open, &sample::scope("t_a", "dev"), 1).await;
    let epoch = taken(&open, &mine).await.epoch;
    assert!(record(&open, &mine, epoch, digest()).await);
    for (tenant, environment) in [("t_ab", "dev"), ("t_a", "prod")] {
        let theirs = promised(&open, &sample::scope(tenant, environment), 1).await;
        assert_eq!(known(&open, &theirs).await, None);
        taken(&open, &theirs).await;
    }
}

/// Neither before a claim nor beside one.
pub async fn a_guessed_epoch_records_nothing(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let object = promised(&open, &sample::scope("t_a", "dev"), 1).await;
    for epoch in [0, 1] {
        assert!(!record(&open, &object, epoch, digest()).await);
    }
    let epoch = taken(&open, &object).await.epoch;
    for guess in [epoch - 1, epoch + 1] {
        assert!(!record(&open, &object, guess, digest()).await);
    }
    assert_eq!(known(&open, &object).await, None);
}

/// After a restart no object is read again, and no epoch is reused.
pub async fn digests_and_epochs_survive_a_restart(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let hashed = promised(&open, &scope, 1).await;
    let begun = promised(&open, &scope, 2).await;
    let epoch = taken(&open, &hashed).await.epoch;
    assert!(record(&open, &hashed, epoch, digest()).await);
    let before = taken(&open, &begun).await.epoch;
    let open = harness.reopen(open).await;
    assert_eq!(known(&open, &hashed).await, Some(digest()));
    let after = taken_at(&open, &begun, RIVAL, 30).await;
    assert!(after.epoch > before, "{after:?} after {before}");
    assert!(!record(&open, &begun, before, digest()).await);
}
