use std::time::Duration;

use nexus_raw::{
    asset::{AssetId, ContentFacts, ContentType, Disposition, Provenance},
    event::EventType,
    ports::StoreCapabilities,
    service::{DownloadError, DownloadRequest, PresignedContent, UploadPolicy},
    tenancy::DownloadAccess,
};
use nexus_raw_testkit::{sample, steps};

use crate::house::House;

fn access(house: &House) -> DownloadAccess {
    let member = sample::principal(&house.scope.tenant, nexus_raw::tenancy::Role::Member);
    member.authorize_download(&house.scope).unwrap()
}

async fn registered(house: &House, content_type: &str) -> AssetId {
    let facts = ContentFacts {
        content_type: ContentType::parse(content_type).unwrap(),
        ..sample::facts()
    };
    let id = sample::asset_id(77);
    let intent = sample::intent_of(&house.scope, id, facts);
    steps::presign_and_register(&house.catalog, &intent, Provenance::default()).await;
    id
}

async fn download(
    house: &House,
    request: DownloadRequest,
) -> Result<PresignedContent, DownloadError> {
    let access = access(house);
    let service = &house.service;
    service
        .presign_download(&access, &house.context, request)
        .await
}

fn events(house: &House) -> usize {
    let events = house.catalog.events_in(&house.scope);
    let downloads = events
        .iter()
        .filter(|it| it.body.event_type == EventType::RawAssetDownloadPresigned);
    downloads.count()
}

#[tokio::test]
async fn each_url_is_an_event_but_for_those_within_the_life_of_an_earlier_one() {
    let house = House::new();
    let id = registered(&house, "image/jpeg").await;
    let life = |seconds| Some(Duration::from_secs(seconds));
    // at second, for how long, ends at second, events by then
    for (at, ttl, ends, count) in [
        (0, None, 900, 1),
        (0, None, 900, 1),
        (100, life(60), 160, 1),
        (450, None, 900, 1),
        (451, None, 1351, 2),
        (1000, life(700), 1351, 2),
        (1000, life(703), 1703, 3),
        (2000, life(1), 2001, 4),
        (2000, None, 2900, 5),
        (2000, life(1), 2001, 5),
    ] {
        house.clock.set(sample::seconds_after(at));
        let request = DownloadRequest::new(id).with_ttl(ttl);
        let presigned = download(&house, request).await.unwrap();
        let expected = sample::seconds_after(ends);
        assert_eq!(presigned.download.expires_at, expected, "{at} {ttl:?}");
        assert_eq!(events(&house), count, "{at} {ttl:?}");
    }
}

#[tokio::test]
async fn a_repeat_is_signed_once_and_needs_no_write() {
    let house = House::new();
    let id = registered(&house, "image/jpeg").await;
    download(&house, DownloadRequest::new(id)).await.unwrap();
    // the next write would lose its answer
    house.catalog.lose_next_answer();
    for signed in 2..5 {
        download(&house, DownloadRequest::new(id)).await.unwrap();
        assert_eq!(house.store.calls().presign_download, signed);
    }
}

/// Credentials that end soon make every URL short, and would make each one an event.
#[tokio::test]
async fn where_credentials_end_soon_a_loop_of_downloads_is_no_loop_of_events() {
    let house = House::new();
    let id = registered(&house, "image/jpeg").await;
    house.store.set_credentials_end(sample::seconds_after(100));
    for at in 0..40 {
        house.clock.set(sample::seconds_after(at));
        let presigned = download(&house, DownloadRequest::new(id)).await.unwrap();
        assert_eq!(
            presigned.download.expires_at,
            sample::seconds_after(100),
            "{at}"
        );
    }
    assert_eq!(events(&house), 1);
}

#[tokio::test]
async fn of_callers_at_once_one_writes_and_none_outlives_it() {
    let house = House::new();
    let id = registered(&house, "image/jpeg").await;
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..50_u64 {
        let house = house.clone();
        callers.spawn(async move {
            let ttl = Some(Duration::from_secs(450 + n));
            let request = DownloadRequest::new(id).with_ttl(ttl);
            download(&house, request).await.unwrap().download.expires_at
        });
    }
    let ends = callers.join_all().await;
    assert_eq!(events(&house), 1);
    let events = house.catalog.events_in(&house.scope);
    let stated = events.last().unwrap().body.download.unwrap().expires_at;
    assert!(ends.iter().all(|end| *end <= stated), "{ends:?} {stated}");
}

#[tokio::test]
async fn what_browsers_run_is_neither_shown_nor_left_to_a_store_that_shows_it() {
    for (content_type, runs) in [("text/html", true), ("image/jpeg", false)] {
        let house = House::new();
        let id = registered(&house, content_type).await;
        let inline = DownloadRequest::new(id).with_disposition(Disposition::Inline);
        let shown = download(&house, inline.clone()).await;
        assert_eq!(
            matches!(shown, Err(DownloadError::ActiveInline)),
            runs,
            "{shown:?}"
        );
        house.store.set_capabilities(StoreCapabilities {
            enforces_sha256: true,
            keeps_octet_stream: true,
            honours_response_headers: false,
            proves_parts: false,
        });
        let saved = download(&house, DownloadRequest::new(id)).await;
        assert_eq!(
            matches!(saved, Err(DownloadError::ShownByStore)),
            runs,
            "{saved:?}"
        );
        assert_eq!(events(&house), if runs { 0 } else { 2 });
    }
}

#[tokio::test]
async fn a_refused_download_writes_nothing() {
    let policy = UploadPolicy::default().with_presign_ttl(Duration::from_mins(1));
    let house = House::with_policy(policy);
    let id = registered(&house, "image/jpeg").await;
    let long = DownloadRequest::new(id).with_ttl(Some(Duration::from_secs(61)));
    let refused = download(&house, long).await;
    assert!(matches!(refused, Err(DownloadError::TtlTooLong { .. })));
    let absent = download(&house, DownloadRequest::new(sample::asset_id(1))).await;
    assert!(matches!(absent, Err(DownloadError::AssetNotFound)));
    house.store.set_credentials_end(sample::seconds_after(59));
    let unsigned = download(&house, DownloadRequest::new(id)).await;
    assert!(matches!(unsigned, Err(DownloadError::Storage(_))));
    house.store.set_credentials_end(sample::seconds_after(3600));
    house.catalog.set_available(false);
    let unknown = download(&house, DownloadRequest::new(id)).await;
    assert!(matches!(unknown, Err(DownloadError::Catalog(_))));
    house.catalog.set_available(true);
    assert_eq!(events(&house), 0);
    // written, but its answer lost: no URL, and the next caller has one without another event
    house.catalog.lose_next_answer();
    let lost = download(&house, DownloadRequest::new(id)).await;
    assert!(matches!(lost, Err(DownloadError::Catalog(_))));
    assert!(download(&house, DownloadRequest::new(id)).await.is_ok());
    assert_eq!(events(&house), 1);
}
