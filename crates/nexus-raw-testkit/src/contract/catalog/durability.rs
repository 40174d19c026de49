use nexus_raw::{asset::Provenance, ports::IntentState};

use super::{
    CatalogHarness, already_registered, bodies_of, events, intent_state, presign,
    presign_and_register, record, register, registered,
};
use crate::sample;

/// Intents, records, lineage and events, ids included, are the same after a restart.
pub async fn everything_survives_reopening(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [parent, child, pending] = [1, 2, 3].map(|n| sample::intent(&scope, sample::asset_id(n)));
    let parent_record = presign_and_register(&open, &parent, sample::provenance()).await;
    let lineage = sample::derived_from(&[parent.asset_id]);
    let child_record = presign_and_register(&open, &child, lineage).await;
    presign(&open, &pending).await;
    let mut before = Vec::new();
    for intent in [&parent, &child, &pending] {
        before.push(events(&open, &scope, intent.asset_id).await);
    }

    let open = harness.reopen(open).await;
    for (intent, new) in [(&parent, &parent_record), (&child, &child_record)] {
        assert_eq!(
            intent_state(&open, &scope, intent.asset_id).await,
            Some(registered(intent, new))
        );
        assert_eq!(
            record(&open, &scope, intent.asset_id).await,
            Some(new.asset.clone())
        );
        assert_eq!(register(&open, new).await, already_registered(new));
    }
    assert_eq!(
        intent_state(&open, &scope, pending.asset_id).await,
        Some(IntentState::Pending(pending.clone()))
    );
    let mut after = Vec::new();
    for intent in [&parent, &child, &pending] {
        after.push(events(&open, &scope, intent.asset_id).await);
    }
    assert_eq!(after, before);
}

/// The sequence continues, and a pending intent can still be registered.
pub async fn a_reopened_catalogue_continues_the_sequence(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign(&open, &intent).await;
    let open = harness.reopen(open).await;
    let next = sample::intent(&scope, sample::asset_id(2));
    presign(&open, &next).await;
    let new = sample::new_asset(&intent, Provenance::default());
    register(&open, &new).await;
    assert_eq!(
        bodies_of(&open, &scope, next.asset_id).await,
        [(2, sample::presigned(&next))]
    );
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, sample::presigned(&intent)), (3, new.event)]
    );
}
