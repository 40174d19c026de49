//! The steps of an asset in a catalogue, each with its event.

use std::time::Duration;

use nexus_raw::{
    asset::{AssetId, Fact, Provenance, UploadIntent},
    event::EventBody,
    ports::{
        AssetCatalog, AssetFacts, FactOutcome, NewAsset, NewFact, PinnedObject, RegisterOutcome,
        WorkClaim, WorkLedger,
    },
    tenancy::Scope,
};
use uuid::Uuid;

use crate::sample;

/// Records `intent`, as a presign does.
pub async fn presign(catalog: &dyn AssetCatalog, intent: &UploadIntent) {
    let event = sample::presigned(intent);
    catalog.record_intent(intent.clone(), event).await.unwrap();
}

/// Records `intent`, registers its asset, and returns the registration.
pub async fn presign_and_register(
    catalog: &dyn AssetCatalog,
    intent: &UploadIntent,
    provenance: Provenance,
) -> NewAsset {
    presign(catalog, intent).await;
    let new = sample::new_asset(intent, provenance);
    let outcome = catalog.register(new.clone()).await.unwrap();
    assert_eq!(outcome, RegisterOutcome::Registered);
    new
}

/// A fact that is based on what is known of its asset.
#[must_use]
pub fn new_fact(known: &AssetFacts, fact: Fact) -> NewFact {
    let asset = &known.listed.asset;
    let in_force = &known.listed.in_force;
    let (user, context, at) = (
        sample::user(),
        sample::context(),
        sample::seconds_after(120),
    );
    NewFact {
        scope: asset.scope().clone(),
        asset_id: asset.asset_id(),
        last_fact: in_force.last_fact,
        event: EventBody::fact_stated(asset, in_force, fact.clone(), &user, &context, at),
        fact,
    }
}

/// States a fact of a registered asset, without waiting for descendants, and returns its sequence.
pub async fn state_fact(
    catalog: &dyn AssetCatalog,
    scope: &Scope,
    asset: AssetId,
    fact: Fact,
) -> u64 {
    let known = catalog.find_facts(scope, asset).await.unwrap().unwrap();
    match catalog.record_fact(new_fact(&known, fact)).await.unwrap() {
        FactOutcome::Recorded { sequence, .. } => sequence,
        other => panic!("{other:?}"),
    }
}

/// Presigns with a key, hashes the object and registers it. A day after the end of the intent it
/// presigns with another key and hashes that object: the catalogue no longer needs the first key
/// and the first digest.
pub async fn outlive_a_key_and_a_digest<C: AssetCatalog + WorkLedger>(catalog: &C, scope: &Scope) {
    let first = sample::intent(scope, sample::asset_id(1));
    let day = Duration::from_hours(24);
    let mut second = sample::intent(scope, sample::asset_id(2));
    second.requested_at = first.ends_at.saturating_add(day);
    second.ends_at = second.requested_at.saturating_add(day);
    let new = sample::keyed(&sample::key(scope, "first"), &first);
    catalog.record_keyed_intent(new).await.unwrap();
    let object = |of: &UploadIntent| PinnedObject {
        scope: scope.clone(),
        asset_id: of.asset_id,
        address: of.address.clone(),
        size_bytes: of.facts.size_bytes,
        etag: "e".to_owned(),
        version_id: None,
    };
    let claim = async |of: &UploadIntent, now| {
        let owner = Uuid::from_u128(1);
        let object = object(of);
        let claim = catalog.claim_hashing(&object, owner, now, day);
        claim.await.unwrap()
    };
    let WorkClaim::Taken(lease) = claim(&first, sample::now()).await else {
        panic!("there is no other claim");
    };
    let digest = first.facts.sha256.unwrap();
    let hashed = object(&first);
    let recorded = catalog.record_digest(&hashed, lease.epoch, digest);
    assert!(recorded.await.unwrap());
    let registered = catalog.register(sample::new_asset(&first, Provenance::default()));
    assert_eq!(registered.await.unwrap(), RegisterOutcome::Registered);
    // a late caller
    let late = claim(&first, sample::now()).await;
    assert_eq!(late, WorkClaim::Known(digest));

    let key = sample::key(scope, "second");
    let new = sample::keyed(&key, &second);
    catalog.record_keyed_intent(new).await.unwrap();
    let standing = catalog.find_key(&key, second.requested_at).await.unwrap();
    assert!(standing.is_some());
    let taken = claim(&second, second.requested_at).await;
    assert!(matches!(taken, WorkClaim::Taken(_)), "{taken:?}");
    let late = claim(&first, second.requested_at).await;
    assert_eq!(late, WorkClaim::Closed);
}

/// Registers four assets in turn, and returns for each whether it and all its ancestors allow
/// training.
pub async fn register_a_family(catalog: &dyn AssetCatalog, scope: &Scope) -> [bool; 4] {
    let ids = [1, 2, 3, 4].map(sample::asset_id);
    let family = [
        (true, vec![], true),
        (false, vec![ids[0]], false),
        (true, vec![ids[0]], true),
        (true, vec![ids[2], ids[1]], false),
    ];
    for (id, (train_ok, parents, _)) in ids.iter().zip(&family) {
        let provenance = Provenance {
            train_ok: *train_ok,
            ..sample::derived_from(parents)
        };
        presign_and_register(catalog, &sample::intent(scope, *id), provenance).await;
    }
    family.map(|(_, _, effective)| effective)
}
