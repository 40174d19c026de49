use nexus_raw::{
    asset::{CapturedAt, Provenance, RawAsset},
    ports::{CallerKey, IntentState, RegisterOutcome},
};

use super::{
    CatalogHarness, already_registered, bodies_of, events, events_after, intent_state, key_of, odd,
    pending_under_key, presign, presign_again, presign_and_register, presign_keyed,
    presigned_again, record, register, registered,
};
use crate::sample;

/// With odd text, extreme numbers and times, and every field present and absent: the read value
/// equals the written one, also by its JSON bytes and in what equality ignores.
pub async fn every_field_reads_back_as_it_was_written(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    for (intent, new) in odd::assets(&scope, 128) {
        presign(&open, &intent).await;
        assert_eq!(
            intent_state(&open, &scope, intent.asset_id).await,
            Some(IntentState::Pending(intent.clone()))
        );
        register(&open, &new).await;
        let read = record(&open, &scope, intent.asset_id).await.unwrap();
        assert_same(&read, &new.asset);
        assert_eq!(
            intent_state(&open, &scope, intent.asset_id).await,
            Some(registered(&intent, &new))
        );
        assert_eq!(register(&open, &new).await, already_registered(&new));
        let found = bodies_of(&open, &scope, intent.asset_id).await;
        let bodies: Vec<_> = found.into_iter().map(|(_, body)| body).collect();
        assert_eq!(bodies, [sample::presigned(&intent), new.event]);
    }
}

/// Values stored under an older, weaker rule are read and delivered unchanged.
pub async fn values_valid_under_older_rules_are_read_and_delivered(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let (intent, new) = sample::of_older_rules(&scope, sample::asset_id(1));
    let key = CallerKey {
        user: intent.requested_by.clone(),
        ..sample::key(&scope, "order-1")
    };
    presign_keyed(&open, &key, &intent).await;
    assert_eq!(key_of(&open, &key).await, Some(pending_under_key(&intent)));
    presign_again(&open, &intent).await;
    assert_eq!(register(&open, &new).await, RegisterOutcome::Registered);
    assert_eq!(register(&open, &new).await, already_registered(&new));

    let open = harness.reopen(open).await;
    let (scope, id) = (&scope, intent.asset_id);
    assert_eq!(record(&open, scope, id).await.as_ref(), Some(&new.asset));
    assert_eq!(
        intent_state(&open, scope, id).await,
        Some(registered(&intent, &new))
    );
    let bodies = [
        sample::presigned(&intent),
        presigned_again(&intent),
        new.event,
    ];
    let sink = sample::sink_name();
    for events in [
        events(&open, scope, id).await,
        events_after(&open, scope, 0, 10).await,
        open.outbox.undelivered(&sink, 10, &[]).await.unwrap(),
    ] {
        let read: Vec<_> = events.into_iter().map(|event| event.body).collect();
        assert_eq!(read, bodies);
    }
}

/// Absent stays absent, empty stays empty.
pub async fn an_unstated_provenance_reads_back_unstated(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign_and_register(&open, &intent, Provenance::default()).await;
    let read = record(&open, &scope, intent.asset_id).await.unwrap();
    assert_eq!(*read.provenance(), Provenance::default());
}

/// Compares also offset and order, which equality of captures and of flags ignores.
fn assert_same(read: &RawAsset, written: &RawAsset) {
    assert_eq!(read, written);
    let overlooked = |asset: &RawAsset| {
        let provenance = asset.provenance();
        (
            provenance.captured_at.map(CapturedAt::offset_minutes),
            provenance.pii_flags.as_slice().to_vec(),
        )
    };
    assert_eq!(overlooked(read), overlooked(written));
    assert_eq!(
        serde_json::to_string(read).unwrap(),
        serde_json::to_string(written).unwrap()
    );
}
