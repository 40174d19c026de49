use nexus_raw::{
    asset::Sha256Digest,
    ports::{CallerKey, KeyClaim},
    tenancy::UserId,
};
use tokio::task::JoinSet;

use super::{CatalogHarness, OpenCatalog, events_after, isolation::strangers};
use crate::sample;

/// From second `from` to second `to` after [`sample::now`].
fn claim(key: &CallerKey, body: &[u8], from: i64, to: i64) -> KeyClaim {
    KeyClaim {
        key: key.clone(),
        body_digest: Sha256Digest::of(body),
        claimed_at: sample::seconds_after(from),
        ends_at: sample::seconds_after(to),
    }
}

async fn claimed(open: &OpenCatalog, claim: KeyClaim) -> Sha256Digest {
    open.catalog.claim_key(claim).await.unwrap()
}

/// Until, and excluding, its end; also before the scope has any asset, and after reopening. No
/// event is written.
pub async fn a_claimed_key_is_bound_to_one_body_until_its_end(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let key = sample::key(&scope, "k");
    let (first, other) = (Sha256Digest::of(b"first"), Sha256Digest::of(b"other"));
    assert_eq!(claimed(&open, claim(&key, b"first", 0, 100)).await, first);
    assert_eq!(claimed(&open, claim(&key, b"other", 0, 300)).await, first);
    let open = harness.reopen(open).await;
    assert_eq!(claimed(&open, claim(&key, b"other", 99, 300)).await, first);
    assert_eq!(claimed(&open, claim(&key, b"other", 100, 300)).await, other);
    assert_eq!(claimed(&open, claim(&key, b"first", 200, 300)).await, other);
    assert_eq!(events_after(&open, &scope, 0, 10).await, []);
}

/// Neither those of other scopes, users and routes.
pub async fn claims_of_other_callers_do_not_meet(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let key = sample::key(&sample::scope("t_a", "dev"), "k");
    claimed(&open, claim(&key, b"first", 0, 100)).await;
    let mut others = vec![
        CallerKey {
            user: UserId::parse("u_other").unwrap(),
            ..key.clone()
        },
        CallerKey {
            route: "another-route",
            ..key.clone()
        },
        sample::key(&key.scope, "another"),
    ];
    others.extend(strangers().iter().map(|scope| sample::key(scope, "k")));
    for other in others {
        let standing = claimed(&open, claim(&other, b"other", 0, 100)).await;
        assert_eq!(standing, Sha256Digest::of(b"other"), "{other:?}");
    }
}

/// All callers are given the same digest.
pub async fn of_racing_claims_of_a_key_one_wins(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let key = sample::key(&sample::scope("t_a", "dev"), "k");
    let mut callers = JoinSet::new();
    for n in 0..20_u8 {
        let (open, claim) = (open.clone(), claim(&key, &[n], 0, 100));
        callers.spawn(async move { claimed(&open, claim).await });
    }
    let standing = callers.join_all().await;
    assert!(standing.iter().all(|it| *it == standing[0]), "{standing:?}");
}
