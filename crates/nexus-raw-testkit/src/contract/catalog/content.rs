use nexus_raw::asset::{ByteSize, Sha256Digest};

use super::{CatalogHarness, isolation::strangers, presign, presign_and_register};
use crate::sample;

/// By digest and length, registered assets only: the oldest registration, not the oldest
/// intent.
pub async fn the_oldest_asset_of_a_content_is_found_in_its_scope_only(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let (sha256, size) = (sample::facts().sha256, sample::facts().size_bytes);
    let find = async |sha256, size| {
        open.catalog
            .find_content(&scope, sha256, size)
            .await
            .unwrap()
    };
    assert_eq!(find(sha256, size).await, None);
    for stranger in strangers() {
        let intent = sample::intent(&stranger, sample::asset_id(9));
        presign_and_register(&open, &intent, sample::provenance()).await;
    }
    presign(&open, &sample::intent(&scope, sample::asset_id(1))).await;
    assert_eq!(find(sha256, size).await, None);

    let later = sample::intent(&scope, sample::asset_id(3));
    let oldest = presign_and_register(&open, &later, sample::provenance()).await;
    for number in [2, 4] {
        let intent = sample::intent(&scope, sample::asset_id(number));
        presign_and_register(&open, &intent, sample::provenance()).await;
    }
    assert_eq!(find(sha256, size).await, Some(oldest.asset));
    let other_size = ByteSize::parse(size.get() + 1).unwrap();
    assert_eq!(find(sha256, other_size).await, None);
    assert_eq!(find(Sha256Digest::of(b"other"), size).await, None);
}
