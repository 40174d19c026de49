//! Of several faults of a request one is returned, in a fixed order: body, intent, restated facts,
//! registered before, ended, parents, and last what the store reports.

use nexus_raw::{
    asset::{AssetId, ByteSize, CapturedAt, Provenance},
    ports::StorageError,
    service::{RegisterError, RegisterRequest, RestatedFacts},
};
use nexus_raw_testkit::sample;

use crate::house::{House, plain, stating};

/// A request with every fault that a request can have; the store is down too.
fn faulty(asset_id: AssetId) -> RegisterRequest {
    RegisterRequest::new(asset_id)
        .with_restated(RestatedFacts {
            size_bytes: Some(ByteSize::parse(1).unwrap()),
            ..RestatedFacts::default()
        })
        .with_provenance(Provenance {
            captured_at: Some(CapturedAt::parse("2027-01-01T00:00:00Z").unwrap()),
            ..orphan()
        })
}

fn orphan() -> Provenance {
    sample::derived_from(&[sample::asset_id(999)])
}

fn past(request: RegisterRequest) -> RegisterRequest {
    request.with_provenance(orphan())
}

#[tokio::test]
async fn the_future_comes_before_the_missing_intent() {
    let house = House::new();
    house.catalog.set_available(false);
    let refused = house.register(faulty(sample::asset_id(1))).await;
    assert!(
        matches!(refused, Err(RegisterError::CapturedInFuture)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_missing_intent_comes_before_restated_facts() {
    let house = House::new();
    house.store.set_available(false);
    let refused = house.register(past(faulty(sample::asset_id(1)))).await;
    assert!(
        matches!(refused, Err(RegisterError::AssetNotFound)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn restated_facts_come_before_registered_before_and_before_ended() {
    let house = House::new();
    let registered = house.registered(Provenance::default()).await;
    let pending = house.presign().await.asset_id;
    house.end_intents();
    house.store.set_available(false);
    for asset_id in [registered.asset_id(), pending] {
        let refused = house.register(past(faulty(asset_id))).await;
        assert!(
            matches!(refused, Err(RegisterError::RestatedDiffers { .. })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn registered_before_comes_before_ended_and_parents_and_the_store() {
    let house = House::new();
    let asset = house.registered(Provenance::default()).await;
    let asset_id = asset.asset_id();
    house.end_intents();
    house.store.set_available(false);
    let other = house.register(stating(asset_id, orphan())).await;
    assert!(
        matches!(other, Err(RegisterError::ProvenanceDiffers { .. })),
        "{other:?}"
    );
    let same = house.register(plain(asset_id)).await.unwrap();
    assert!(!same.created);
    assert_eq!(same.asset, asset);
}

#[tokio::test]
async fn ended_comes_before_parents() {
    let house = House::new();
    let asset_id = house.presign().await.asset_id;
    house.end_intents();
    let refused = house.register(stating(asset_id, orphan())).await;
    assert!(
        matches!(refused, Err(RegisterError::UploadExpired)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn parents_come_before_what_the_store_says() {
    let house = House::new();
    let absent = house.presign().await.asset_id;
    let present = house.uploaded().await;
    let mut object = house.store.object(&present.address).unwrap();
    object.size_bytes += 1;
    house.store.place(&present.address, object);
    for ended in [false, true] {
        let mut assets = vec![present.asset_id];
        if ended {
            house.end_intents();
        } else {
            assets.push(absent);
        }
        for asset_id in assets {
            let refused = house.register(stating(asset_id, orphan())).await;
            assert!(
                matches!(refused, Err(RegisterError::UnknownParents { .. })),
                "{refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn whether_an_upload_came_too_late_is_not_guessed_while_the_store_is_silent() {
    let house = House::new();
    let asset_id = house.presign().await.asset_id;
    house.end_intents();
    house.store.set_available(false);
    let refused = house.register(stating(asset_id, orphan())).await;
    assert!(
        matches!(
            refused,
            Err(RegisterError::Storage(StorageError::Unavailable(_)))
        ),
        "{refused:?}"
    );
    house.assert_pending(asset_id).await;
}
