//! The steps that an asset goes by in a catalogue, each with its event.

use nexus_raw::{
    asset::{Provenance, UploadIntent},
    ports::{AssetCatalog, NewAsset, RegisterOutcome},
};

use crate::sample;

/// Records `intent`, as a presign does.
pub async fn presign(catalog: &dyn AssetCatalog, intent: &UploadIntent) {
    let event = sample::presigned(intent);
    catalog.record_intent(intent.clone(), event).await.unwrap();
}

/// Records `intent` and registers what it promised; what was written.
pub async fn presign_and_register(
    catalog: &dyn AssetCatalog,
    intent: &UploadIntent,
    provenance: Provenance,
) -> NewAsset {
    presign(catalog, intent).await;
    let new = sample::new_asset(intent, provenance);
    let outcome = catalog.register(new.clone()).await.unwrap();
    assert_eq!(outcome, RegisterOutcome::Registered);
    new
}
