use nexus_raw::{asset::Provenance, ports::RegisterOutcome, ports::WorkClaim};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    OWNER, RIVAL, claim_at, digest, known, object, promised, record, release, renew_at, taken,
    taken_at,
};
use crate::{contract::catalog::CatalogHarness, sample};

/// Until its end it is exclusive, even for its owner; after that anyone may claim.
pub async fn a_claim_has_one_owner_until_it_ends(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let object = promised(&open, &sample::scope("t_a", "dev"), 1).await;
    let lease = taken(&open, &object).await;
    assert_eq!(lease.until, sample::seconds_after(30));
    let held = WorkClaim::Held {
        until: sample::seconds_after(30),
    };
    for (owner, seconds) in [(RIVAL, 0), (OWNER, 0), (RIVAL, 29)] {
        assert_eq!(claim_at(&open, &object, owner, seconds).await, held);
    }
    let over = taken_at(&open, &object, RIVAL, 30).await;
    assert_eq!(over.until, sample::seconds_after(60));
    assert!(over.epoch > lease.epoch, "{over:?} after {lease:?}");
    let back = taken_at(&open, &object, OWNER, 60).await;
    assert!(back.epoch > over.epoch, "{back:?} after {over:?}");
}

/// One gets the claim, the others get its end.
pub async fn one_of_a_hundred_racing_claims_succeeds(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let object = promised(&open, &sample::scope("t_a", "dev"), 1).await;
    let mut racers = JoinSet::new();
    for n in 0..100 {
        let (open, object) = (open.clone(), object.clone());
        racers.spawn(async move { claim_at(&open, &object, Uuid::from_u128(n), 0).await });
    }
    let claims = racers.join_all().await;
    let held = WorkClaim::Held {
        until: sample::seconds_after(30),
    };
    let held_count = claims.iter().filter(|claim| **claim == held).count();
    let won = claims
        .iter()
        .filter(|claim| matches!(claim, WorkClaim::Taken(_)))
        .count();
    assert_eq!((won, held_count), (1, 99));
}

/// A renewal only changes the end.
pub async fn a_renewed_claim_keeps_its_epoch_and_lasts(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let object = promised(&open, &sample::scope("t_a", "dev"), 1).await;
    let epoch = taken(&open, &object).await.epoch;
    for seconds in [10, 20] {
        assert!(renew_at(&open, &object, epoch, seconds).await);
    }
    assert_eq!(
        claim_at(&open, &object, RIVAL, 49).await,
        WorkClaim::Held {
            until: sample::seconds_after(50)
        }
    );
    assert!(record(&open, &object, epoch, digest()).await);
}

/// A slow process keeps an expired claim unless another one takes over.
pub async fn an_expired_claim_is_valid_until_another_owner_takes_it(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let object = promised(&open, &scope, 1).await;
    let epoch = taken(&open, &object).await.epoch;
    assert!(renew_at(&open, &object, epoch, 100).await);
    assert!(record(&open, &object, epoch, digest()).await);
    assert_eq!(known(&open, &object).await, Some(digest()));
}

/// A process that lost its claim does not affect its successor.
pub async fn an_ended_epoch_changes_no_claim_and_no_digest(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let object = promised(&open, &sample::scope("t_a", "dev"), 1).await;
    let stale = taken(&open, &object).await.epoch;
    let current = taken_at(&open, &object, RIVAL, 30).await;
    assert!(!renew_at(&open, &object, stale, 31).await);
    assert!(!record(&open, &object, stale, digest()).await);
    assert!(!release(&open, &object, stale).await);
    assert_eq!(known(&open, &object).await, None);
    assert_eq!(
        claim_at(&open, &object, OWNER, 59).await,
        WorkClaim::Held {
            until: current.until
        }
    );
    assert!(record(&open, &object, current.epoch, digest()).await);
}

/// A released claim need not expire.
pub async fn a_released_claim_is_free_at_once(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let object = promised(&open, &sample::scope("t_a", "dev"), 1).await;
    let lease = taken(&open, &object).await;
    assert!(release(&open, &object, lease.epoch).await);
    assert!(!release(&open, &object, lease.epoch).await);
    assert!(!renew_at(&open, &object, lease.epoch, 1).await);
    assert!(!record(&open, &object, lease.epoch, digest()).await);
    let next = taken_at(&open, &object, RIVAL, 0).await;
    assert!(next.epoch > lease.epoch, "{next:?} after {lease:?}");
}

/// Without an intent a claim is `Closed`.
pub async fn a_claim_without_an_intent_is_closed(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let object = object(&sample::scope("t_a", "dev"), 1);
    assert_eq!(claim_at(&open, &object, OWNER, 0).await, WorkClaim::Closed);
    assert!(!renew_at(&open, &object, 1, 0).await);
    assert!(!record(&open, &object, 1, digest()).await);
    assert!(!release(&open, &object, 1).await);
}

/// A registered asset needs no digest.
pub async fn a_registered_asset_is_not_claimed(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let object = promised(&open, &scope, 1).await;
    let intent = sample::intent(&scope, object.asset_id);
    let new = sample::new_asset(&intent, Provenance::default());
    let outcome = open.catalog.register(new).await.unwrap();
    assert_eq!(outcome, RegisterOutcome::Registered);
    assert_eq!(claim_at(&open, &object, OWNER, 0).await, WorkClaim::Closed);
}

/// One id in two scopes is two assets, each with its own claims.
pub async fn a_claim_does_not_affect_another_scope(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let mine = promised(&open, &sample::scope("t_a", "dev"), 1).await;
    for (tenant, environment) in [("t_ab", "dev"), ("t_a", "prod")] {
        let scope = sample::scope(tenant, environment);
        let epoch = taken(&open, &mine).await.epoch;
        // it does not exist in this scope, so it affects nothing here
        let theirs = object(&scope, 1);
        assert_eq!(claim_at(&open, &theirs, RIVAL, 0).await, WorkClaim::Closed);
        let theirs = promised(&open, &scope, 1).await;
        taken(&open, &theirs).await;
        assert!(!release(&open, &object(&sample::scope("t_c", "dev"), 1), epoch).await);
        assert!(release(&open, &mine, epoch).await);
        assert_eq!(
            claim_at(&open, &theirs, RIVAL, 29).await,
            WorkClaim::Held {
                until: sample::seconds_after(30)
            }
        );
    }
}
