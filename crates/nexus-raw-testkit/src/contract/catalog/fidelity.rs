use nexus_raw::{
    asset::{CapturedAt, Provenance, RawAsset},
    ports::IntentState,
};

use super::{
    CatalogHarness, already_registered, intent_state, odd, presign, presign_and_register, record,
    register, registered, told,
};
use crate::sample;

/// Over odd text, extreme numbers and times, and every field present and absent: what is read is
/// what was written, by equality, to the byte of its JSON, and in what equality overlooks.
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
        let told = told(&open, &scope, intent.asset_id).await;
        let bodies: Vec<_> = told.into_iter().map(|(_, body)| body).collect();
        assert_eq!(bodies, [sample::presigned(&intent), new.event]);
    }
}

/// Absent stays absent, empty stays empty.
pub async fn an_unstated_provenance_reads_back_unstated(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign_and_register(&open, &intent, Provenance::default()).await;
    let read = record(&open, &scope, intent.asset_id).await.unwrap();
    assert_eq!(read.parts().provenance, Provenance::default());
}

/// Equality of captures and of flags overlooks offset and order; a catalogue must not.
fn assert_same(read: &RawAsset, written: &RawAsset) {
    assert_eq!(read, written);
    let overlooked = |asset: &RawAsset| {
        let provenance = &asset.parts().provenance;
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
