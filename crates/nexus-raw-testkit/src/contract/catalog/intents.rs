use nexus_raw::{
    asset::UploadIntent,
    ports::{CatalogError, IntentState},
};

use super::{
    CatalogHarness, bodies_of, events, intent_state, presign, presign_and_register, record,
    registered,
};
use crate::sample;

/// The first presign of a scope is sequence 1, and its intent is pending.
pub async fn a_recorded_intent_is_found_pending_and_is_event_one(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign(&open, &intent).await;
    assert_eq!(
        intent_state(&open, &scope, intent.asset_id).await,
        Some(IntentState::Pending(intent.clone()))
    );
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, sample::presigned(&intent))]
    );
    assert_eq!(record(&open, &scope, intent.asset_id).await, None);
}

/// A repeated id is `AlreadyExists`, even if other fields differ, and has no effect.
pub async fn an_intent_with_a_repeated_asset_id_is_refused_without_event_or_gap(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let first = sample::intent(&scope, sample::asset_id(1));
    let second = UploadIntent {
        facts: sample::facts_of(b"something else").into(),
        ..first.clone()
    };
    presign(&open, &first).await;
    let refused = open
        .catalog
        .record_intent(second.clone(), sample::presigned(&second))
        .await;
    assert!(
        matches!(refused, Err(CatalogError::AlreadyExists)),
        "{refused:?}"
    );
    assert_eq!(
        intent_state(&open, &scope, first.asset_id).await,
        Some(IntentState::Pending(first.clone()))
    );
    assert_eq!(
        bodies_of(&open, &scope, first.asset_id).await,
        [(1, sample::presigned(&first))]
    );
    let next = sample::intent(&scope, sample::asset_id(2));
    presign(&open, &next).await;
    assert_eq!(
        bodies_of(&open, &scope, next.asset_id).await,
        [(2, sample::presigned(&next))]
    );
}

/// The id of a registered asset is in use too.
pub async fn a_registered_intent_is_not_recorded_again(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let new = presign_and_register(&open, &intent, sample::provenance()).await;
    let refused = open
        .catalog
        .record_intent(intent.clone(), sample::presigned(&intent))
        .await;
    assert!(
        matches!(refused, Err(CatalogError::AlreadyExists)),
        "{refused:?}"
    );
    assert_eq!(
        intent_state(&open, &scope, intent.asset_id).await,
        Some(registered(&intent, &new))
    );
    assert_eq!(events(&open, &scope, intent.asset_id).await.len(), 2);
}

/// Absence is no error, in an empty scope and in one with other assets.
pub async fn an_unrecorded_asset_is_not_found(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let absent = sample::asset_id(2);
    let neighbour = sample::intent(&scope, sample::asset_id(1));
    for has_neighbour in [false, true] {
        if has_neighbour {
            presign(&open, &neighbour).await;
        }
        assert_eq!(intent_state(&open, &scope, absent).await, None);
        assert_eq!(record(&open, &scope, absent).await, None);
        assert_eq!(events(&open, &scope, absent).await, []);
        let unknown = open.catalog.unknown_parents(&scope, &[absent]).await;
        assert_eq!(unknown.unwrap(), [0]);
    }
}

/// An open catalogue reports readiness.
pub async fn an_open_catalogue_is_ready(harness: &impl CatalogHarness) {
    let ready = harness.open().await.catalog.ready().await;
    assert!(ready.is_ok(), "{ready:?}");
}
