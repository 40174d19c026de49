use nexus_raw::{
    asset::{DerivedFrom, Provenance},
    ports::{IntentState, RegisterOutcome},
};

use super::{
    CatalogHarness, OpenCatalog, bodies_of, intent_state, presign, presign_and_register, record,
    register,
};
use crate::sample;

/// Registers `size` assets of one scope, numbered from 100.
async fn family(open: &OpenCatalog, size: u64) -> Vec<nexus_raw::asset::AssetId> {
    let scope = sample::scope("t_a", "dev");
    let mut parents = Vec::new();
    for n in 0..size {
        let intent = sample::intent(&scope, sample::asset_id(100 + n));
        presign_and_register(open, &intent, Provenance::default()).await;
        parents.push(intent.asset_id);
    }
    parents
}

/// The caller's order of parents is part of what it states.
pub async fn parents_are_written_and_read_in_order(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let mut parents = family(&open, 3).await;
    parents.rotate_left(1);
    let child = sample::intent(&scope, sample::asset_id(1));
    let new = presign_and_register(&open, &child, sample::derived_from(&parents)).await;
    let read = record(&open, &scope, child.asset_id).await.unwrap();
    assert_eq!(read, new.asset);
    let lineage = &read.provenance().lineage;
    assert_eq!(lineage.derived_from.as_slice(), parents);
    let known = open.catalog.unknown_parents(&scope, &parents).await;
    assert_eq!(known.unwrap(), Vec::<usize>::new());
}

/// Absent ones and pending ones alike are unknown; the intent stays pending.
pub async fn unregistered_parents_are_reported_by_position_and_nothing_is_written(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let known = family(&open, 2).await;
    let pending = sample::intent(&scope, sample::asset_id(2));
    presign(&open, &pending).await;
    let absent = sample::asset_id(3);
    let parents = [absent, known[0], pending.asset_id, known[1]];
    let unknown = open.catalog.unknown_parents(&scope, &parents).await;
    assert_eq!(unknown.unwrap(), [0, 2]);

    let child = sample::intent(&scope, sample::asset_id(1));
    presign(&open, &child).await;
    let new = sample::new_asset(&child, sample::derived_from(&parents));
    assert_eq!(
        register(&open, &new).await,
        RegisterOutcome::UnknownParents(vec![0, 2])
    );
    assert_eq!(
        intent_state(&open, &scope, child.asset_id).await,
        Some(IntentState::Pending(child.clone()))
    );
    assert_eq!(record(&open, &scope, child.asset_id).await, None);
    assert_eq!(
        bodies_of(&open, &scope, child.asset_id).await,
        [(6, sample::presigned(&child))]
    );

    // the refused one does not block a valid one, and the sequence has no gap
    let new = sample::new_asset(&child, sample::derived_from(&known));
    assert_eq!(register(&open, &new).await, RegisterOutcome::Registered);
    assert_eq!(
        bodies_of(&open, &scope, child.asset_id).await,
        [(6, sample::presigned(&child)), (7, new.event)]
    );
}

/// An asset of another tenant or environment is like an absent one.
pub async fn a_parent_in_another_scope_is_unknown(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let parents = family(&open, 1).await;
    for (tenant, environment) in [("t_ab", "dev"), ("t_a", "prod")] {
        let scope = sample::scope(tenant, environment);
        let child = sample::intent(&scope, sample::asset_id(1));
        presign(&open, &child).await;
        let new = sample::new_asset(&child, sample::derived_from(&parents));
        assert_eq!(
            register(&open, &new).await,
            RegisterOutcome::UnknownParents(vec![0]),
            "{scope}"
        );
        assert_eq!(record(&open, &scope, child.asset_id).await, None);
    }
}

/// At its registration an asset is not registered yet.
pub async fn an_asset_is_not_its_own_parent(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let child = sample::intent(&scope, sample::asset_id(1));
    presign(&open, &child).await;
    let new = sample::new_asset(&child, sample::derived_from(&[child.asset_id]));
    assert_eq!(
        register(&open, &new).await,
        RegisterOutcome::UnknownParents(vec![0])
    );
    assert_eq!(
        intent_state(&open, &scope, child.asset_id).await,
        Some(IntentState::Pending(child.clone()))
    );
}

/// The largest lineage that parses is one that can be written.
pub async fn an_asset_may_have_as_many_parents_as_the_domain_allows(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let mut parents = family(&open, u64::try_from(DerivedFrom::MAX).unwrap()).await;
    parents.reverse();
    let child = sample::intent(&scope, sample::asset_id(1));
    let new = presign_and_register(&open, &child, sample::derived_from(&parents)).await;
    assert_eq!(
        record(&open, &scope, child.asset_id).await,
        Some(new.asset.clone())
    );
}
