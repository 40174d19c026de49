//! Objects that were put together without the service's knowledge, as after a restore of an older
//! catalogue.

use nexus_raw::{
    asset::{AssetId, IntegrityLevel, Sha256Digest},
    service::{AbortError, Mismatch, RegisterError},
};
use nexus_raw_testkit::sample;

use crate::{
    house::House,
    multipart::{declarations, digest, house, request, stating_digest},
};

impl House {
    /// An intent of an upload in parts, none of which is declared, and the object that another one left.
    async fn put_together(&self) -> AssetId {
        let other = self.begun_with(&[0, 1, 2]).await;
        let registered = self.register(stating_digest(other, digest())).await;
        let other = registered.unwrap().asset;
        let mut object = self.store.object(other.address()).unwrap();
        let asset_id = self.begin(request()).await.asset_id;
        let metadata = object.user_metadata.get_mut("asset-id").unwrap();
        *metadata = asset_id.to_string();
        let state = self.state(asset_id).await.unwrap();
        let address = &state.intent().address;
        self.store.place(address, object);
        // its bytes
        self.store.rot(address, sample::CONTENT);
        asset_id
    }
}

/// The store's composite digest says nothing without the digests of the parts.
#[tokio::test]
async fn an_object_whose_parts_were_not_declared_is_read_and_hashed() {
    let house = house();
    let asset_id = house.put_together().await;
    let wrong = stating_digest(asset_id, Sha256Digest::of(b"other"));
    let refused = house.register(wrong).await;
    assert!(
        matches!(&refused, Err(RegisterError::ObjectMismatch { mismatches })
            if *mismatches == [Mismatch::Sha256]),
        "{refused:?}"
    );
    house.assert_pending(asset_id).await;
    let registered = house.register(stating_digest(asset_id, digest())).await;
    let asset = registered.unwrap().asset;
    let integrity = asset.integrity();
    assert_eq!(integrity.level, IntegrityLevel::StreamSha256);
    assert_eq!(integrity.parts, Some(3));
    assert_eq!(asset.facts(), &sample::facts());
}

/// As by a client that goes on with its upload.
#[tokio::test]
async fn an_object_of_whose_parts_some_are_declared_is_read_and_hashed() {
    let house = house();
    let asset_id = house.put_together().await;
    let some = &declarations()[..1];
    let signed = house.service.presign_parts(&house.access, asset_id, some);
    signed.await.unwrap();
    let registered = house.register(stating_digest(asset_id, digest())).await;
    let integrity = registered.unwrap().asset.integrity().clone();
    assert_eq!(integrity.level, IntegrityLevel::StreamSha256);
}

/// It could never be registered afterwards, and would stay where it is.
#[tokio::test]
async fn an_upload_whose_object_is_there_is_not_aborted() {
    let house = house();
    let asset_id = house.put_together().await;
    let refused = house.abort(asset_id).await;
    assert!(matches!(refused, Err(AbortError::Completed)), "{refused:?}");
    let registered = house.register(stating_digest(asset_id, digest())).await;
    registered.unwrap();
}
