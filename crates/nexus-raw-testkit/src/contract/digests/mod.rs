//! The contract of [`WorkLedger`](nexus_raw::ports::WorkLedger), with the harness of the
//! catalogue.

mod claims;
mod known;
mod uploads;

use std::time::Duration;

use nexus_raw::{
    asset::Sha256Digest,
    ports::{Lease, PinnedObject, WorkClaim},
    tenancy::Scope,
};
use uuid::Uuid;

pub use self::{claims::*, known::*, uploads::*};
use super::catalog::OpenCatalog;
use crate::sample;

/// Runs the contract suite of `WorkLedger`. Takes an expression that returns a new
/// [`CatalogHarness`](crate::contract::catalog::CatalogHarness).
#[macro_export]
macro_rules! digests_contract {
    ($harness:expr) => {
        $crate::contract_tests!(
            digests,
            $harness,
            [
                a_claim_has_one_owner_until_it_ends,
                one_of_a_hundred_racing_claims_succeeds,
                a_renewed_claim_keeps_its_epoch_and_lasts,
                an_expired_claim_is_valid_until_another_owner_takes_it,
                an_ended_epoch_changes_no_claim_and_no_digest,
                a_released_claim_is_free_at_once,
                a_claim_without_an_intent_is_closed,
                a_registered_asset_is_not_claimed,
                a_claim_does_not_affect_another_scope,
                claims_of_an_upload_and_of_its_object_exclude_each_other,
                one_of_many_racing_claims_of_an_upload_succeeds,
                what_is_closed_is_not_claimed,
                a_claim_of_an_upload_does_not_affect_another_scope,
                an_unrecorded_digest_is_unknown,
                a_recorded_digest_is_known_and_ends_the_claim,
                a_digest_is_of_one_etag_and_one_version,
                a_later_digest_replaces_an_earlier_one,
                a_digest_does_not_affect_another_scope,
                a_guessed_epoch_records_nothing,
                digests_and_epochs_survive_a_restart,
            ]
        );
    };
}

const OWNER: Uuid = Uuid::from_u128(0xa11ce);
const RIVAL: Uuid = Uuid::from_u128(0xb0b);
const TTL: Duration = Duration::from_secs(30);

/// The object of the `number`th asset of a scope, without a version.
fn object(scope: &Scope, number: u64) -> PinnedObject {
    let intent = sample::intent(scope, sample::asset_id(number));
    PinnedObject {
        scope: intent.scope,
        asset_id: intent.asset_id,
        address: intent.address,
        size_bytes: intent.facts.size_bytes,
        etag: "5d41402abc4b2a76b9719d911017c592".to_owned(),
        version_id: None,
    }
}

/// Records the intent of the `number`th asset of a scope and returns its object.
async fn promised(open: &OpenCatalog, scope: &Scope, number: u64) -> PinnedObject {
    let intent = sample::intent(scope, sample::asset_id(number));
    let event = sample::presigned(&intent);
    open.catalog.record_intent(intent, event).await.unwrap();
    object(scope, number)
}

/// Claims at the sample's time plus `seconds`.
async fn claim_at(
    open: &OpenCatalog,
    object: &PinnedObject,
    owner: Uuid,
    seconds: i64,
) -> WorkClaim {
    let now = sample::seconds_after(seconds);
    let claim = open.digests.claim_hashing(object, owner, now, TTL).await;
    claim.unwrap()
}

/// Claims at the sample's time, which must succeed.
async fn taken(open: &OpenCatalog, object: &PinnedObject) -> Lease {
    taken_at(open, object, OWNER, 0).await
}

/// Claims, which must succeed.
async fn taken_at(open: &OpenCatalog, object: &PinnedObject, owner: Uuid, seconds: i64) -> Lease {
    match claim_at(open, object, owner, seconds).await {
        WorkClaim::Taken(lease) => lease,
        other => panic!("expected: a claim that is taken\n    came: {other:?}"),
    }
}

async fn renew_at(open: &OpenCatalog, object: &PinnedObject, epoch: u64, seconds: i64) -> bool {
    let now = sample::seconds_after(seconds);
    let renewed = open
        .digests
        .renew_work(&object.scope, object.asset_id, epoch, now, TTL)
        .await;
    renewed.unwrap()
}

async fn record(
    open: &OpenCatalog,
    object: &PinnedObject,
    epoch: u64,
    digest: Sha256Digest,
) -> bool {
    let recorded = open.digests.record_digest(object, epoch, digest).await;
    recorded.unwrap()
}

async fn release(open: &OpenCatalog, object: &PinnedObject, epoch: u64) -> bool {
    let released = open
        .digests
        .release_work(&object.scope, object.asset_id, epoch);
    released.await.unwrap()
}

async fn known(open: &OpenCatalog, object: &PinnedObject) -> Option<Sha256Digest> {
    open.digests.known_digest(object).await.unwrap()
}

fn digest() -> Sha256Digest {
    Sha256Digest::of(b"what was read")
}
