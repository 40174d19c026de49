use nexus_raw::{
    asset::Provenance,
    ports::{IntentState, RegisterOutcome},
    tenancy::Scope,
};

use super::{
    CatalogHarness, bodies_of, events, events_after, intent_state, presign, presign_and_register,
    record, register, registered,
};
use crate::sample;

/// Scopes that resemble `t_a` in `dev`: another environment, a tenant with a common prefix, one
/// with a wildcard of SQL's LIKE, names whose concatenation is equal.
pub(super) fn strangers() -> [Scope; 6] {
    [
        ("t_a", "prod"),
        ("t_a", "dev-2"),
        ("t_ab", "dev"),
        ("t_a_", "dev"),
        ("t_a-dev", "dev"),
        ("t_b", "dev"),
    ]
    .map(|(tenant, environment)| sample::scope(tenant, environment))
}

/// To every other scope an asset is absent in every read.
pub async fn another_scope_sees_nothing(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let home = sample::scope("t_a", "dev");
    let pending = sample::intent(&home, sample::asset_id(1));
    let whole = sample::intent(&home, sample::asset_id(2));
    presign(&open, &pending).await;
    presign_and_register(&open, &whole, sample::provenance()).await;
    for stranger in strangers() {
        for asset in [pending.asset_id, whole.asset_id] {
            assert_eq!(intent_state(&open, &stranger, asset).await, None);
            assert_eq!(record(&open, &stranger, asset).await, None);
            assert_eq!(events(&open, &stranger, asset).await, []);
        }
        assert_eq!(events_after(&open, &stranger, 0, 10).await, []);
        let parents = [whole.asset_id];
        let unknown = open.catalog.unknown_parents(&stranger, &parents).await;
        assert_eq!(unknown.unwrap(), [0], "{stranger}");
    }
}

/// Ids are looked up within a scope, so the same id elsewhere is another asset.
pub async fn one_id_in_two_scopes_is_two_assets(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let id = sample::asset_id(1);
    let home = sample::intent(&sample::scope("t_a", "dev"), id);
    let away = sample::intent_of(
        &sample::scope("t_ab", "dev"),
        id,
        sample::facts_of(b"another asset"),
    );
    presign(&open, &home).await;
    presign(&open, &away).await;
    let new = sample::new_asset(&away, sample::provenance());
    assert_eq!(register(&open, &new).await, RegisterOutcome::Registered);
    assert_eq!(
        intent_state(&open, &home.scope, id).await,
        Some(IntentState::Pending(home.clone()))
    );
    assert_eq!(record(&open, &home.scope, id).await, None);
    assert_eq!(
        intent_state(&open, &away.scope, id).await,
        Some(registered(&away, &new))
    );
    assert_eq!(
        bodies_of(&open, &home.scope, id).await,
        [(1, sample::presigned(&home))]
    );
}

/// An intent is unknown in another scope.
pub async fn a_registration_does_not_affect_another_scope(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let home = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    presign(&open, &home).await;
    for stranger in strangers() {
        let away = sample::intent(&stranger, home.asset_id);
        let new = sample::new_asset(&away, Provenance::default());
        assert_eq!(
            register(&open, &new).await,
            RegisterOutcome::UnknownIntent,
            "{stranger}"
        );
        assert_eq!(record(&open, &stranger, home.asset_id).await, None);
        assert_eq!(events(&open, &stranger, home.asset_id).await, []);
    }
    assert_eq!(
        intent_state(&open, &home.scope, home.asset_id).await,
        Some(IntentState::Pending(home.clone()))
    );
}

/// Events of one scope do not change another's sequence.
pub async fn each_scope_counts_its_own_events(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let mut scopes = strangers().to_vec();
    scopes.push(sample::scope("t_a", "dev"));
    for n in 1..=3 {
        for scope in &scopes {
            let intent = sample::intent(scope, sample::asset_id(n));
            presign(&open, &intent).await;
            assert_eq!(
                bodies_of(&open, scope, intent.asset_id).await,
                [(n, sample::presigned(&intent))]
            );
        }
    }
}
