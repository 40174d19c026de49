use nexus_raw::{
    asset::AssetId,
    ports::{IntentState, RawStorageRepository},
    service::AbandonedUploads,
};
use nexus_raw_testkit::sample;

use crate::{
    house::House,
    multipart::{digest, house, request, stating_digest},
};

impl House {
    /// Looks at all pages, and returns how many uploads were open and how many were aborted.
    async fn remove_abandoned(&self) -> (u64, u64) {
        let (mut open, mut aborted, mut next) = (0, 0, None);
        loop {
            let page: AbandonedUploads = self.service.remove_abandoned(next).await.unwrap();
            open += page.open;
            aborted += page.aborted;
            next = page.next;
            if next.is_none() {
                return (open, aborted);
            }
        }
    }

    /// Begins another upload at the key of an asset, as a process that dies before it records it.
    async fn begin_unrecorded(&self, asset_id: AssetId) {
        let state = self.state(asset_id).await.unwrap();
        if let IntentState::Pending(intent) = state {
            self.store.begin_upload(&intent).await.unwrap();
        }
    }
}

#[tokio::test]
async fn open_uploads_stay_until_their_intents_end() {
    let house = house();
    for _ in 0..5 {
        house.begun_with(&[0]).await;
    }
    assert_eq!(house.remove_abandoned().await, (5, 0));
    let events = house.events().len();
    house.end_intents();
    let young = house.begun_with(&[0, 1, 2]).await;
    assert_eq!(house.remove_abandoned().await, (1, 5));
    assert_eq!(house.store.open_uploads(), 1);
    // of a removal no event is written
    assert_eq!(house.events().len(), events + 1);
    house
        .register(stating_digest(young, digest()))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_upload_that_is_not_the_recorded_one_is_aborted() {
    let house = house();
    let asset_id = house.begun_with(&[0, 1, 2]).await;
    house.begin_unrecorded(asset_id).await;
    assert_eq!(house.remove_abandoned().await, (1, 1));
    house
        .register(stating_digest(asset_id, digest()))
        .await
        .unwrap();

    // before the first is recorded it may be about to be
    let unrecorded = house.begin(request()).await.asset_id;
    house.begin_unrecorded(unrecorded).await;
    assert_eq!(house.remove_abandoned().await, (1, 0));
    house.end_intents();
    assert_eq!(house.remove_abandoned().await, (0, 1));
}

#[tokio::test]
async fn what_is_left_of_registered_and_aborted_assets_is_removed() {
    let house = house();
    let registered = house.begun_with(&[0, 1, 2]).await;
    let aborted = house.begun_with(&[0]).await;
    for asset_id in [registered, aborted] {
        house.begin_unrecorded(asset_id).await;
    }
    house
        .register(stating_digest(registered, digest()))
        .await
        .unwrap();
    house.abort(aborted).await.unwrap();
    assert_eq!(house.store.open_uploads(), 2);
    assert_eq!(house.remove_abandoned().await, (0, 2));
}

#[tokio::test]
async fn uploads_that_nobody_here_has_begun_are_left_alone() {
    let house = house();
    let single = house.presign().await.asset_id;
    house.begin_unrecorded(single).await;
    let unknown = sample::intent_in_parts(&house.scope, sample::asset_id(404));
    house.store.begin_upload(&unknown).await.unwrap();
    house.end_intents();
    assert_eq!(house.remove_abandoned().await, (2, 0));
}

#[tokio::test]
async fn a_completed_upload_of_an_ended_intent_is_not_lost() {
    let house = house();
    let asset_id = house.begun_with(&[0, 1, 2]).await;
    let Some(IntentState::Pending(intent)) = house.state(asset_id).await else {
        panic!("it is pending");
    };
    let upload_id = intent.multipart.clone().unwrap().upload_id.unwrap();
    let upload = nexus_raw::ports::OpenUpload::of(&intent, upload_id);
    house
        .store
        .complete(&upload, &sample::parts())
        .await
        .unwrap();
    house.end_intents();
    assert_eq!(house.remove_abandoned().await, (0, 0));
    let late = house
        .register(stating_digest(asset_id, digest()))
        .await
        .unwrap();
    assert!(late.created);
}
