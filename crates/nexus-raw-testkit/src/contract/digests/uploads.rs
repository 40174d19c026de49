use nexus_raw::{
    asset::{Provenance, UploadId},
    event::EventBody,
    ports::{AbortedUpload, OpenUpload, PinnedObject, RegisterOutcome, WorkClaim},
    tenancy::Scope,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{OWNER, RIVAL, TTL, claim_at, digest, known, object, record, release, renew_at};
use crate::{
    contract::catalog::{CatalogHarness, OpenCatalog},
    sample,
};

fn upload(scope: &Scope, number: u64) -> OpenUpload {
    let intent = sample::intent_in_parts(scope, sample::asset_id(number));
    OpenUpload::of(&intent, UploadId::parse("one").unwrap())
}

/// Records the intent of an upload in parts and returns its upload, and the object that comes of it.
async fn begun(open: &OpenCatalog, scope: &Scope, number: u64) -> (OpenUpload, PinnedObject) {
    let intent = sample::intent_in_parts(scope, sample::asset_id(number));
    let event = sample::presigned(&intent);
    open.catalog.record_intent(intent, event).await.unwrap();
    (upload(scope, number), object(scope, number))
}

async fn claim_upload(
    open: &OpenCatalog,
    upload: &OpenUpload,
    owner: Uuid,
    seconds: i64,
) -> WorkClaim {
    let now = sample::seconds_after(seconds);
    let claim = open.digests.claim_upload(upload, owner, now, TTL).await;
    claim.unwrap()
}

async fn taken_upload(open: &OpenCatalog, upload: &OpenUpload, seconds: i64) -> u64 {
    match claim_upload(open, upload, OWNER, seconds).await {
        WorkClaim::Taken(lease) => {
            assert_eq!(lease.until, sample::seconds_after(seconds + 30));
            lease.epoch
        }
        other => panic!("expected: a claim that is taken\n    came: {other:?}"),
    }
}

/// Whoever hashes an asset's object, completes its upload or aborts it has it alone.
pub async fn claims_of_an_upload_and_of_its_object_exclude_each_other(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let (upload, object) = begun(&open, &sample::scope("t_a", "dev"), 1).await;
    let held = |seconds| WorkClaim::Held {
        until: sample::seconds_after(seconds),
    };
    let first = taken_upload(&open, &upload, 0).await;
    assert_eq!(claim_at(&open, &object, RIVAL, 29).await, held(30));
    assert_eq!(claim_upload(&open, &upload, OWNER, 29).await, held(30));
    assert!(renew_at(&open, &object, first, 10).await);
    assert_eq!(claim_at(&open, &object, RIVAL, 39).await, held(40));
    let WorkClaim::Taken(hashing) = claim_at(&open, &object, RIVAL, 40).await else {
        panic!("expected: the claim ended");
    };
    assert!(hashing.epoch > first, "{hashing:?} after {first}");
    assert_eq!(claim_upload(&open, &upload, OWNER, 69).await, held(70));
    assert!(!renew_at(&open, &object, first, 41).await);
    assert!(!release(&open, &object, first).await);
    assert!(record(&open, &object, hashing.epoch, digest()).await);
    assert_eq!(known(&open, &object).await, Some(digest()));
    // a digest is no answer to a claim of the upload
    let last = taken_upload(&open, &upload, 41).await;
    assert!(last > hashing.epoch, "{last} after {hashing:?}");
    assert!(release(&open, &object, last).await);
    assert!(!release(&open, &object, last).await);
    taken_upload(&open, &upload, 41).await;
}

/// One gets the claim, the others get its end.
pub async fn one_of_many_racing_claims_of_an_upload_succeeds(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let (upload, object) = begun(&open, &sample::scope("t_a", "dev"), 1).await;
    let mut racers = JoinSet::new();
    for n in 0..32 {
        let (open, upload, object) = (open.clone(), upload.clone(), object.clone());
        let owner = Uuid::from_u128(n);
        racers.spawn(async move {
            if n % 2 == 0 {
                claim_upload(&open, &upload, owner, 0).await
            } else {
                claim_at(&open, &object, owner, 0).await
            }
        });
    }
    let claims = racers.join_all().await;
    let won = claims.iter();
    let won = won.filter(|claim| matches!(claim, WorkClaim::Taken(_)));
    let held = WorkClaim::Held {
        until: sample::seconds_after(30),
    };
    let waiting = claims.iter().filter(|claim| **claim == held);
    assert_eq!((won.count(), waiting.count()), (1, 31));
}

/// Of a registered asset, of an aborted upload, and without an intent there is nothing to do.
pub async fn what_is_closed_is_not_claimed(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = |n| sample::intent_in_parts(&scope, sample::asset_id(n));
    let (done, _) = begun(&open, &scope, 1).await;
    let new = sample::new_asset(&intent(1), Provenance::default());
    let outcome = open.catalog.register(new).await.unwrap();
    assert_eq!(outcome, RegisterOutcome::Registered);
    let (gone, _) = begun(&open, &scope, 2).await;
    // the abort is done under a claim, which goes on
    let epoch = taken_upload(&open, &gone, 0).await;
    let event = EventBody::upload_aborted(
        &intent(2),
        &sample::user(),
        &sample::context(),
        sample::now(),
    );
    let outcome = open.catalog.record_abort(event).await.unwrap();
    assert_eq!(outcome, AbortedUpload::Recorded);
    assert!(release(&open, &object(&scope, 2), epoch).await);
    for upload in [done, gone, upload(&scope, 3)] {
        assert_eq!(
            claim_upload(&open, &upload, RIVAL, 60).await,
            WorkClaim::Closed
        );
    }
    for number in 1..=3 {
        let claim = claim_at(&open, &object(&scope, number), RIVAL, 60).await;
        assert_eq!(claim, WorkClaim::Closed, "{number}");
    }
}

/// One id in two scopes is two uploads.
pub async fn a_claim_of_an_upload_does_not_affect_another_scope(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let (mine, _) = begun(&open, &sample::scope("t_a", "dev"), 1).await;
    let epoch = taken_upload(&open, &mine, 0).await;
    for (tenant, environment) in [("t_ab", "dev"), ("t_a", "prod")] {
        let scope = sample::scope(tenant, environment);
        let theirs = upload(&scope, 1);
        assert_eq!(
            claim_upload(&open, &theirs, RIVAL, 0).await,
            WorkClaim::Closed
        );
        assert!(!renew_at(&open, &object(&scope, 1), epoch, 0).await);
        let (theirs, _) = begun(&open, &scope, 1).await;
        taken_upload(&open, &theirs, 0).await;
    }
    assert!(release(&open, &object(&mine.scope, 1), epoch).await);
}
