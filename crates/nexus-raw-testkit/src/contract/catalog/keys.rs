use nexus_raw::{
    asset::{Provenance, UploadIntent},
    ports::{CallerKey, CatalogError, IntentState, KeyedOutcome, RepeatOutcome, StandingKey},
    tenancy::UserId,
    time::Timestamp,
};

use super::{
    CatalogHarness, bodies_of, intent_state, isolation::strangers, key_of, pending_under_key,
    presign, presign_again, presign_keyed, presigned_again, register, registered,
};
use crate::sample;

fn just_before(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_micros() - 1).unwrap()
}

/// Intent, event and key are written together; the key is in use until, and excluding, the intent's
/// end.
pub async fn a_key_is_in_use_until_its_intent_ends(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let key = sample::key(&scope, "k");
    let intent = sample::intent(&scope, sample::asset_id(1));
    assert_eq!(key_of(&open, &key).await, None);
    let outcome = presign_keyed(&open, &key, &intent).await;
    assert_eq!(outcome, KeyedOutcome::Recorded);
    let standing = Some(pending_under_key(&intent));
    let last = just_before(intent.ends_at);
    assert_eq!(open.catalog.find_key(&key, last).await.unwrap(), standing);
    let ended = open.catalog.find_key(&key, intent.ends_at).await.unwrap();
    assert_eq!(ended, None);
    assert_eq!(
        intent_state(&open, &scope, intent.asset_id).await,
        Some(IntentState::Pending(intent.clone()))
    );
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, sample::presigned(&intent))]
    );
}

/// Neither the same request nor another one writes an intent or an event.
pub async fn a_key_in_use_prevents_every_write(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let key = sample::key(&scope, "k");
    let first = sample::intent(&scope, sample::asset_id(1));
    presign_keyed(&open, &key, &first).await;
    let same = sample::intent(&scope, sample::asset_id(2));
    let other = sample::intent_of(&scope, sample::asset_id(3), sample::facts_of(b"other"));
    let last_moment = UploadIntent {
        requested_at: just_before(first.ends_at),
        ..sample::intent(&scope, sample::asset_id(4))
    };
    for late in [same, other, last_moment] {
        let outcome = presign_keyed(&open, &key, &late).await;
        assert_eq!(outcome, KeyedOutcome::KeyStands);
        assert_eq!(intent_state(&open, &scope, late.asset_id).await, None);
        assert_eq!(bodies_of(&open, &scope, late.asset_id).await, []);
    }
    assert_eq!(key_of(&open, &key).await, Some(pending_under_key(&first)));
    let next = sample::intent(&scope, sample::asset_id(5));
    presign(&open, &next).await;
    assert_eq!(
        bodies_of(&open, &scope, next.asset_id).await,
        [(2, sample::presigned(&next))]
    );
}

/// A registered asset keeps its key like a pending one. After the end, the key gets the next
/// intent, and the first asset is unchanged.
pub async fn a_key_outlives_registration_and_is_free_once_its_intent_has_ended(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let key = sample::key(&scope, "k");
    let first = sample::intent(&scope, sample::asset_id(1));
    presign_keyed(&open, &key, &first).await;
    let new = sample::new_asset(&first, Provenance::default());
    register(&open, &new).await;
    let standing = StandingKey {
        state: registered(&first, &new),
        ..pending_under_key(&first)
    };
    assert_eq!(key_of(&open, &key).await, Some(standing));
    let again = sample::intent(&scope, sample::asset_id(2));
    let outcome = presign_keyed(&open, &key, &again).await;
    assert_eq!(outcome, KeyedOutcome::KeyStands);

    let next = UploadIntent {
        requested_at: first.ends_at,
        ends_at: sample::seconds_after(2 * 24 * 3600),
        ..sample::intent_of(&scope, sample::asset_id(3), sample::facts_of(b"next"))
    };
    let outcome = presign_keyed(&open, &key, &next).await;
    assert_eq!(outcome, KeyedOutcome::Recorded);
    let found = open.catalog.find_key(&key, next.requested_at).await;
    assert_eq!(found.unwrap(), Some(pending_under_key(&next)));
    assert_eq!(
        intent_state(&open, &scope, first.asset_id).await,
        Some(registered(&first, &new))
    );
    assert_eq!(
        bodies_of(&open, &scope, next.asset_id).await,
        [(3, sample::presigned(&next))]
    );
}

/// A repeated asset id is reported, and does not affect keys.
pub async fn an_intent_with_a_repeated_asset_id_reserves_no_key(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let (key, known) = (sample::key(&scope, "k"), sample::asset_id(1));
    presign(&open, &sample::intent(&scope, known)).await;
    let again = sample::keyed(&key, &sample::intent(&scope, known));
    let refused = open.catalog.record_keyed_intent(again).await;
    assert!(
        matches!(refused, Err(CatalogError::AlreadyExists)),
        "{refused:?}"
    );
    assert_eq!(key_of(&open, &key).await, None);
    let fresh = sample::intent(&scope, sample::asset_id(2));
    let outcome = presign_keyed(&open, &key, &fresh).await;
    assert_eq!(outcome, KeyedOutcome::Recorded);
    assert_eq!(
        bodies_of(&open, &scope, fresh.asset_id).await,
        [(2, sample::presigned(&fresh))]
    );
}

/// Equal keys of different owners are independent.
pub async fn keys_of_other_scopes_users_and_routes_are_independent(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let home = sample::scope("t_a", "dev");
    let own = sample::key(&home, "key");
    let mut keys = vec![own.clone()];
    keys.extend(strangers().iter().map(|scope| sample::key(scope, "key")));
    keys.extend(["Key", "ke", "key-"].map(|name| sample::key(&home, name)));
    let users = [
        "u_dem",
        "u_demo2",
        "U_demo",
        "u_demo'; DROP TABLE idempotency; --",
    ];
    keys.extend(users.map(|user| CallerKey {
        user: UserId::parse(user).unwrap(),
        ..own.clone()
    }));
    keys.extend(["presign", "other"].map(|route| CallerKey {
        route,
        ..own.clone()
    }));
    let mut written = Vec::new();
    for (number, key) in (1..).zip(keys) {
        assert_eq!(key_of(&open, &key).await, None, "{key:?}");
        let intent = UploadIntent {
            requested_by: key.user.clone(),
            ..sample::intent(&key.scope, sample::asset_id(number))
        };
        let outcome = presign_keyed(&open, &key, &intent).await;
        assert_eq!(outcome, KeyedOutcome::Recorded, "{key:?}");
        written.push((key, intent));
    }
    for (key, intent) in &written {
        let standing = Some(pending_under_key(intent));
        assert_eq!(key_of(&open, key).await, standing, "{key:?}");
    }
}

/// The event is in order, and the intent is unchanged.
pub async fn a_repeated_presign_adds_one_event_only(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let neighbour = sample::intent(&scope, sample::asset_id(2));
    presign(&open, &intent).await;
    presign(&open, &neighbour).await;
    for _ in 0..2 {
        let outcome = presign_again(&open, &intent).await;
        assert_eq!(outcome, RepeatOutcome::Recorded);
    }
    let again = presigned_again(&intent);
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [
            (1, sample::presigned(&intent)),
            (3, again.clone()),
            (4, again)
        ]
    );
    assert_eq!(
        intent_state(&open, &scope, intent.asset_id).await,
        Some(IntentState::Pending(intent.clone()))
    );
    let new = sample::new_asset(&intent, Provenance::default());
    register(&open, &new).await;
    let last = bodies_of(&open, &scope, intent.asset_id).await.pop();
    assert_eq!(last, Some((5, new.event)));
}

/// A registered, absent or foreign intent gets no event.
pub async fn only_a_pending_intent_is_presigned_again(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign(&open, &intent).await;
    for stranger in strangers() {
        let foreign = sample::intent(&stranger, intent.asset_id);
        let outcome = presign_again(&open, &foreign).await;
        assert_eq!(outcome, RepeatOutcome::NotPending, "{stranger}");
        assert_eq!(bodies_of(&open, &stranger, intent.asset_id).await, []);
    }
    let absent = sample::intent(&scope, sample::asset_id(2));
    let new = sample::new_asset(&intent, Provenance::default());
    register(&open, &new).await;
    for not_pending in [&absent, &intent] {
        let outcome = presign_again(&open, not_pending).await;
        assert_eq!(outcome, RepeatOutcome::NotPending);
    }
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, sample::presigned(&intent)), (2, new.event)]
    );
    presign(&open, &absent).await;
    assert_eq!(
        bodies_of(&open, &scope, absent.asset_id).await,
        [(3, sample::presigned(&absent))]
    );
}

/// The hundredth succeeds, the next does not: it has no event and no number in the sequence, also
/// after a restart. Presigns of other assets and scopes do not count. The intent can still be
/// registered.
pub async fn an_intent_is_presigned_a_hundred_times_at_most(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let neighbours = [
        sample::intent(&scope, sample::asset_id(2)),
        sample::intent(&sample::scope("t_b", "dev"), sample::asset_id(1)),
    ];
    presign(&open, &intent).await;
    for neighbour in &neighbours {
        presign(&open, neighbour).await;
    }
    for n in 2..=100 {
        let outcome = presign_again(&open, &intent).await;
        assert_eq!(outcome, RepeatOutcome::Recorded, "{n}");
    }
    let bodies = bodies_of(&open, &scope, intent.asset_id).await;
    assert_eq!(bodies.len(), 100);
    let outcome = presign_again(&open, &intent).await;
    assert_eq!(outcome, RepeatOutcome::Exhausted);

    let open = harness.reopen(open).await;
    let outcome = presign_again(&open, &intent).await;
    assert_eq!(outcome, RepeatOutcome::Exhausted);
    assert_eq!(bodies_of(&open, &scope, intent.asset_id).await, bodies);
    for neighbour in &neighbours {
        let outcome = presign_again(&open, neighbour).await;
        assert_eq!(outcome, RepeatOutcome::Recorded);
    }
    let new = sample::new_asset(&intent, Provenance::default());
    register(&open, &new).await;
    let last = bodies_of(&open, &scope, intent.asset_id).await.pop();
    assert_eq!(last, Some((103, new.event)));
    let outcome = presign_again(&open, &intent).await;
    assert_eq!(outcome, RepeatOutcome::NotPending);
}

/// Keys and the state of their intents survive a restart.
pub async fn keys_survive_reopening(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let keys = ["pending", "registered"].map(|name| sample::key(&scope, name));
    let [pending, whole] = [1, 2].map(|n| sample::intent(&scope, sample::asset_id(n)));
    presign_keyed(&open, &keys[0], &pending).await;
    presign_keyed(&open, &keys[1], &whole).await;
    presign_again(&open, &pending).await;
    let new = sample::new_asset(&whole, sample::provenance());
    register(&open, &new).await;

    let open = harness.reopen(open).await;
    let registered = StandingKey {
        state: registered(&whole, &new),
        ..pending_under_key(&whole)
    };
    for (key, standing) in keys.iter().zip([pending_under_key(&pending), registered]) {
        assert_eq!(key_of(&open, key).await, Some(standing));
        let again = sample::intent(&scope, sample::asset_id(3));
        let outcome = presign_keyed(&open, key, &again).await;
        assert_eq!(outcome, KeyedOutcome::KeyStands);
    }
    assert_eq!(
        bodies_of(&open, &scope, pending.asset_id).await,
        [
            (1, sample::presigned(&pending)),
            (3, presigned_again(&pending))
        ]
    );
    let outcome = presign_again(&open, &pending).await;
    assert_eq!(outcome, RepeatOutcome::Recorded);
}
