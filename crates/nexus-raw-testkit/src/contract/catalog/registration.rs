use nexus_raw::{
    asset::{Provenance, UploadIntent},
    ports::RegisterOutcome,
};

use super::{
    CatalogHarness, already_registered, bodies_of, intent_state, presign, presign_and_register,
    record, register, registered,
};
use crate::sample;

/// A registration changes the intent's state, is found as the record, and is the next event.
pub async fn a_registration_is_found_and_adds_an_event(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let new = presign_and_register(&open, &intent, sample::provenance()).await;
    assert_eq!(
        intent_state(&open, &scope, intent.asset_id).await,
        Some(registered(&intent, &new))
    );
    assert_eq!(
        record(&open, &scope, intent.asset_id).await,
        Some(new.asset.clone())
    );
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, sample::presigned(&intent)), (2, new.event)]
    );
}

/// Without an intent nothing is registered, and the sequence has no gap.
pub async fn a_registration_without_an_intent_writes_nothing(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let new = sample::new_asset(&intent, sample::provenance());
    assert_eq!(register(&open, &new).await, RegisterOutcome::UnknownIntent);
    assert_eq!(intent_state(&open, &scope, intent.asset_id).await, None);
    assert_eq!(record(&open, &scope, intent.asset_id).await, None);
    assert_eq!(bodies_of(&open, &scope, intent.asset_id).await, []);
    presign(&open, &intent).await;
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, sample::presigned(&intent))]
    );
}

/// The second call gets the first record, even if it states other facts.
pub async fn a_second_registration_returns_the_first_and_writes_nothing(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let first = presign_and_register(&open, &intent, sample::provenance()).await;
    for provenance in [sample::provenance(), Provenance::default()] {
        let second = sample::new_asset_at(sample::seconds_after(999), &intent, provenance);
        assert_eq!(register(&open, &second).await, already_registered(&first));
    }
    assert_eq!(
        record(&open, &scope, intent.asset_id).await,
        Some(first.asset.clone())
    );
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, sample::presigned(&intent)), (2, first.event)]
    );
}

/// The service decides whether an intent has ended: an object that arrived in time is registered
/// even late.
pub async fn an_ended_intent_may_still_be_registered(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let ended = UploadIntent {
        ends_at: sample::seconds_after(-3600),
        ..sample::intent(&scope, sample::asset_id(1))
    };
    let new = presign_and_register(&open, &ended, Provenance::default()).await;
    assert_eq!(
        intent_state(&open, &scope, ended.asset_id).await,
        Some(registered(&ended, &new))
    );
}
