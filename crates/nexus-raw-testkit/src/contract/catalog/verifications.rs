use std::time::Duration;

use nexus_raw::{
    asset::{
        AssetId, ByteSize, Fact, FactValue, FoundContent, InForce, IntegrityLevel, PiiFlag,
        PiiFlags, Provenance, RawAsset, Sha256Digest, Verdict, Verification,
    },
    event::EventBody,
    ports::{AssetVerification, NewVerification, VerificationOutcome, WorkClaim},
    tenancy::Scope,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    CatalogHarness, OpenCatalog, events_after, isolation::strangers, presign, presign_and_register,
    register,
};
use crate::{sample, steps};

const TTL: Duration = Duration::from_secs(30);

async fn registered(open: &OpenCatalog, scope: &Scope, number: u64) -> RawAsset {
    let intent = sample::intent(scope, sample::asset_id(number));
    let new = presign_and_register(open, &intent, sample::provenance()).await;
    new.asset
}

/// A verification with this verdict, `seconds` after [`sample::now`].
pub(super) fn verification(asset: &RawAsset, verdict: Verdict, seconds: i64) -> NewVerification {
    let facts = asset.facts();
    let found = match verdict {
        Verdict::Intact => Some(FoundContent {
            sha256: facts.sha256,
            size_bytes: facts.size_bytes,
        }),
        Verdict::Corrupt => Some(FoundContent {
            sha256: Sha256Digest::of(b"rotten"),
            size_bytes: ByteSize::parse(6).unwrap(),
        }),
        Verdict::Missing => None,
    };
    let verification = Verification::of(facts, found, sample::seconds_after(seconds));
    let in_force = InForce::as_registered(asset, asset.provenance().train_ok);
    let (user, context) = (sample::user(), sample::context());
    NewVerification {
        scope: asset.scope().clone(),
        asset_id: asset.asset_id(),
        last_fact: None,
        epoch: None,
        verification,
        event: EventBody::verified(asset, &in_force, verification, &user, &context),
    }
}

pub(super) async fn record(open: &OpenCatalog, new: NewVerification) -> VerificationOutcome {
    open.catalog.record_verification(new).await.unwrap()
}

async fn find(open: &OpenCatalog, scope: &Scope, asset: AssetId) -> Option<AssetVerification> {
    open.catalog.find_verification(scope, asset).await.unwrap()
}

async fn latest(open: &OpenCatalog, asset: &RawAsset) -> Option<Verification> {
    let found = find(open, asset.scope(), asset.asset_id()).await;
    found.unwrap().latest
}

async fn corrupt_assets(open: &OpenCatalog) -> u64 {
    open.census.totals().await.unwrap().corrupt_assets
}

async fn claim(open: &OpenCatalog, asset: &RawAsset, seconds: i64) -> WorkClaim {
    let now = sample::seconds_after(seconds);
    let (scope, id, owner) = (asset.scope(), asset.asset_id(), Uuid::from_u128(7));
    let ledger = &open.digests;
    let claim = ledger.claim_verification(scope, id, owner, now, TTL);
    claim.await.unwrap()
}

/// The record stays as it is.
pub async fn a_verification_is_an_event_and_the_latest(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope, 1).await;
    let found = find(&open, &scope, asset.asset_id()).await.unwrap();
    assert_eq!((&found.listed.asset, found.latest), (&asset, None));
    for (sequence, verdict) in (2..).zip([Verdict::Corrupt, Verdict::Missing, Verdict::Intact]) {
        let new = verification(&asset, verdict, 5);
        let (expected, event) = (new.verification, new.event.clone());
        assert_eq!(record(&open, new).await, VerificationOutcome::Recorded);
        let found = find(&open, &scope, asset.asset_id()).await.unwrap();
        assert_eq!(found.latest, Some(expected));
        assert_eq!(found.listed.asset, asset);
        let events = events_after(&open, &scope, sequence, 10).await;
        let bodies: Vec<_> = events.into_iter().map(|it| it.body).collect();
        assert_eq!(bodies, [event]);
    }
}

/// Its event says what is in force.
pub async fn a_verification_based_on_an_older_fact_is_refused(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope, 1).await;
    let flags = PiiFlags::parse(vec![PiiFlag::Health]).unwrap();
    let fact = Fact::new(FactValue::PiiFlags(flags));
    let last = steps::state_fact(&*open.catalog, &scope, asset.asset_id(), fact).await;
    let new = verification(&asset, Verdict::Corrupt, 5);
    let outcome = record(&open, new.clone()).await;
    assert_eq!(outcome, VerificationOutcome::Changed);
    assert_eq!(latest(&open, &asset).await, None);
    assert_eq!(events_after(&open, &scope, last, 10).await, []);
    let new = NewVerification {
        last_fact: Some(last),
        ..new
    };
    assert_eq!(record(&open, new).await, VerificationOutcome::Recorded);
}

/// Whoever lost the claim has read what another one reads too.
pub async fn a_verification_under_a_lost_claim_is_refused(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope, 1).await;
    let under = |epoch| NewVerification {
        epoch: Some(epoch),
        ..verification(&asset, Verdict::Corrupt, 5)
    };
    let WorkClaim::Taken(first) = claim(&open, &asset, 0).await else {
        panic!("not taken")
    };
    let held = WorkClaim::Held {
        until: sample::seconds_after(30),
    };
    assert_eq!(claim(&open, &asset, 29).await, held);
    let guessed = record(&open, under(first.epoch + 1)).await;
    assert_eq!(guessed, VerificationOutcome::ClaimLost);
    let WorkClaim::Taken(second) = claim(&open, &asset, 30).await else {
        panic!("not taken")
    };
    let late = record(&open, under(first.epoch)).await;
    assert_eq!(late, VerificationOutcome::ClaimLost);
    assert_eq!(latest(&open, &asset).await, None);
    assert_eq!(events_after(&open, &scope, 2, 10).await, []);

    let valid = record(&open, under(second.epoch)).await;
    assert_eq!(valid, VerificationOutcome::Recorded);
    // the claim stays, until it is released
    let held = WorkClaim::Held {
        until: sample::seconds_after(60),
    };
    assert_eq!(claim(&open, &asset, 31).await, held);
    let released = open
        .digests
        .release_work(&scope, asset.asset_id(), second.epoch);
    assert!(released.await.unwrap());
    let released = record(&open, under(second.epoch)).await;
    assert_eq!(released, VerificationOutcome::ClaimLost);
}

/// Absent, pending or of another scope: all the same, and nothing is written or claimed.
pub async fn what_is_not_registered_is_not_verified(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope, 1).await;
    presign(&open, &sample::intent(&scope, sample::asset_id(2))).await;
    let mut keys = vec![
        (scope.clone(), sample::asset_id(2)),
        (scope, sample::asset_id(3)),
    ];
    for stranger in strangers() {
        presign(&open, &sample::intent(&stranger, sample::asset_id(2))).await;
        keys.push((stranger, asset.asset_id()));
    }
    for (scope, asset_id) in keys {
        let before = events_after(&open, &scope, 0, 100).await.len();
        assert_eq!(find(&open, &scope, asset_id).await, None);
        let new = NewVerification {
            scope: scope.clone(),
            asset_id,
            ..verification(&asset, Verdict::Missing, 5)
        };
        let outcome = record(&open, new).await;
        assert_eq!(outcome, VerificationOutcome::UnknownAsset, "{scope:?}");
        let (now, owner) = (sample::now(), Uuid::from_u128(7));
        let claim = open
            .digests
            .claim_verification(&scope, asset_id, owner, now, TTL);
        assert_eq!(claim.await.unwrap(), WorkClaim::Closed, "{scope:?}");
        let after = events_after(&open, &scope, 0, 100).await.len();
        assert_eq!(after, before, "{scope:?}");
    }
}

/// One that is denied is passed over, also where it is the oldest; a digest that was only stated
/// counts once the content was read.
pub async fn a_content_is_found_as_its_latest_verification_says(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let in_parts = {
        let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
        presign(&open, &intent).await;
        let new = sample::new_asset(&intent, Provenance::default());
        register(&open, &new).await;
        new.asset
    };
    assert_eq!(
        in_parts.integrity().level,
        IntegrityLevel::S3CompositeSha256
    );
    let facts = in_parts.facts();
    let find = async || {
        let found = open
            .catalog
            .find_content(&scope, facts.sha256, facts.size_bytes);
        found.await.unwrap()
    };
    let single = {
        let mut intent = sample::intent(&scope, sample::asset_id(2));
        intent.facts.sha256 = Some(facts.sha256);
        intent.facts.size_bytes = facts.size_bytes;
        presign_and_register(&open, &intent, Provenance::default())
            .await
            .asset
    };
    assert_eq!(find().await.as_ref(), Some(&single));
    for (asset, verdict, found) in [
        (&in_parts, Verdict::Intact, Some(&in_parts)),
        (&in_parts, Verdict::Corrupt, Some(&single)),
        (&single, Verdict::Missing, None),
        (&single, Verdict::Corrupt, None),
        (&single, Verdict::Intact, Some(&single)),
        (&in_parts, Verdict::Intact, Some(&in_parts)),
    ] {
        let outcome = record(&open, verification(asset, verdict, 5)).await;
        assert_eq!(outcome, VerificationOutcome::Recorded);
        assert_eq!(find().await.as_ref(), found, "{verdict:?}");
    }
}

/// Each once, in any scope, as long as its latest verification denies it; also after reopening.
pub async fn corrupt_assets_are_counted(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let [prod, ..] = strangers();
    let one = registered(&open, &sample::scope("t_a", "dev"), 1).await;
    let two = registered(&open, &prod, 2).await;
    assert_eq!(corrupt_assets(&open).await, 0);
    for (asset, verdict, count) in [
        (&one, Verdict::Intact, 0),
        (&one, Verdict::Corrupt, 1),
        (&one, Verdict::Missing, 1),
        (&two, Verdict::Missing, 2),
        (&one, Verdict::Intact, 1),
        (&one, Verdict::Intact, 1),
    ] {
        record(&open, verification(asset, verdict, 5)).await;
        assert_eq!(corrupt_assets(&open).await, count, "{verdict:?}");
    }
    let expected = latest(&open, &two).await;
    let open = harness.reopen(open).await;
    assert_eq!(corrupt_assets(&open).await, 1);
    assert_eq!(latest(&open, &two).await, expected);
    record(&open, verification(&two, Verdict::Intact, 9)).await;
    assert_eq!(corrupt_assets(&open).await, 0);
}

/// The same id in another scope is another asset.
pub async fn verifications_of_other_scopes_do_not_meet(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let asset = registered(&open, &sample::scope("t_a", "dev"), 1).await;
    for stranger in strangers() {
        let other = registered(&open, &stranger, 1).await;
        record(&open, verification(&other, Verdict::Corrupt, 5)).await;
        assert!(latest(&open, &other).await.is_some());
    }
    assert_eq!(latest(&open, &asset).await, None);
    let WorkClaim::Taken(_) = claim(&open, &asset, 0).await else {
        panic!("not taken")
    };
    let others: u64 = strangers().len().try_into().unwrap();
    assert_eq!(corrupt_assets(&open).await, others);
}

/// In whichever groups they are written, as if one came after the other.
pub async fn of_racing_verifications_the_last_event_is_the_latest(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let asset = registered(&open, &scope, 1).await;
    let mut callers = JoinSet::new();
    for n in 0..30 {
        let verdict = match n % 3 {
            0 => Verdict::Intact,
            1 => Verdict::Corrupt,
            _ => Verdict::Missing,
        };
        let (open, new) = (open.clone(), verification(&asset, verdict, n));
        callers.spawn(async move { record(&open, new).await });
    }
    let outcomes = callers.join_all().await;
    assert_eq!(outcomes, [VerificationOutcome::Recorded; 30]);
    let events = events_after(&open, &scope, 2, 100).await;
    assert_eq!(events.len(), 30);
    let last = events[29].body.verification;
    assert_eq!(latest(&open, &asset).await, last);
    let is_denied = last.unwrap().verdict() != Verdict::Intact;
    assert_eq!(corrupt_assets(&open).await, u64::from(is_denied));
}

/// Of those who ask at once one reads.
pub async fn one_of_many_racing_claims_of_a_verification_succeeds(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let asset = registered(&open, &sample::scope("t_a", "dev"), 1).await;
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let (open, asset) = (open.clone(), asset.clone());
        callers.spawn(async move { claim(&open, &asset, 0).await });
    }
    let claims = callers.join_all().await;
    let taken = claims.iter().filter(|it| matches!(it, WorkClaim::Taken(_)));
    assert_eq!(taken.count(), 1);
    let held = claims.iter();
    let held = held.filter(|it| matches!(it, WorkClaim::Held { .. }));
    assert_eq!(held.count(), 49);
}
