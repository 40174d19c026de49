//! Registration believes nothing that was not proved.

use nexus_raw::{
    asset::{ContentFacts, ContentType, Sha256Digest},
    ports::{StorageError, StoreCapabilities, StoredObject},
    service::{Mismatch, RegisterError},
};
use nexus_raw_testkit::{PutOutcome, sample};

use crate::house::{House, plain, single};

#[tokio::test]
async fn nothing_uploaded_yet_is_reported_until_the_intent_ends() {
    let house = House::new();
    let asset_id = house.presign().await.asset_id;
    let early = house.register(plain(asset_id)).await;
    assert!(
        matches!(early, Err(RegisterError::ObjectNotUploaded)),
        "{early:?}"
    );
    house.clock.advance(house.service.policy().intent_ttl);
    let late = house.register(plain(asset_id)).await;
    assert!(
        matches!(late, Err(RegisterError::UploadExpired)),
        "{late:?}"
    );
    house.assert_pending(asset_id).await;
}

#[tokio::test]
async fn an_object_that_arrived_in_time_is_registered_even_late() {
    let house = House::new();
    let asset_id = house.uploaded().await.asset_id;
    house.end_intents();
    let registered = house.register(plain(asset_id)).await.unwrap();
    assert!(registered.created);
    assert_eq!(house.store.calls().stat, 1);
}

#[tokio::test]
async fn every_way_in_which_an_object_differs_is_named_and_refused() {
    let change = |change: fn(&mut StoredObject)| change;
    for (change, named) in [
        (change(|it| it.size_bytes += 1), vec![Mismatch::Size]),
        (
            change(|it| it.sha256 = Some(Sha256Digest::of(b"other"))),
            vec![Mismatch::Sha256],
        ),
        (change(|it| it.sha256 = None), vec![Mismatch::Sha256]),
        (
            change(|it| it.content_type = Some("image/JPEG".to_owned())),
            vec![Mismatch::ContentType],
        ),
        (
            change(|it| it.content_type = None),
            vec![Mismatch::ContentType],
        ),
        (
            change(|it| {
                it.user_metadata.insert("note".to_owned(), String::new());
            }),
            vec![Mismatch::UserMetadata],
        ),
        (
            change(|it| {
                it.user_metadata.remove("env");
            }),
            vec![Mismatch::UserMetadata],
        ),
        (
            change(|it| {
                it.user_metadata
                    .insert("tenant-id".to_owned(), "t_ab".to_owned());
            }),
            vec![Mismatch::UserMetadata],
        ),
        (
            change(|it| it.foreign_headers = vec!["content-disposition", "content-language"]),
            vec![
                Mismatch::ForeignHeader("content-disposition"),
                Mismatch::ForeignHeader("content-language"),
            ],
        ),
        (
            change(|it| {
                it.size_bytes = 0;
                it.sha256 = None;
                it.content_type = None;
                it.user_metadata.clear();
                it.foreign_headers = vec!["content-encoding"];
            }),
            vec![
                Mismatch::Size,
                Mismatch::Sha256,
                Mismatch::ContentType,
                Mismatch::UserMetadata,
                Mismatch::ForeignHeader("content-encoding"),
            ],
        ),
    ] {
        let house = House::new();
        let presigned = house.uploaded().await;
        let mut object = house.store.object(&presigned.address).unwrap();
        change(&mut object);
        house.store.place(&presigned.address, object);
        let refused = house.register(plain(presigned.asset_id)).await;
        let Err(RegisterError::ObjectMismatch { mismatches }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(mismatches, named);
        house.assert_pending(presigned.asset_id).await;
    }
}

#[tokio::test]
async fn a_header_that_s3_takes_unsigned_is_found_at_registration() {
    let house = House::new();
    let presigned = house.presign().await;
    let mut headers = single(&presigned).headers.clone();
    headers.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
    let outcome = house
        .store
        .put(single(&presigned), &headers, sample::CONTENT);
    assert_eq!(outcome, PutOutcome::Stored);
    let refused = house.register(plain(presigned.asset_id)).await;
    let Err(RegisterError::ObjectMismatch { mismatches }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(mismatches, [Mismatch::ForeignHeader("content-encoding")]);
}

/// The Fetch standard has browsers add them to a conditional PUT, and no page can prevent it.
#[tokio::test]
async fn a_header_that_browsers_add_by_themselves_is_not_looked_at() {
    let house = House::new();
    let presigned = house.presign().await;
    let mut headers = single(&presigned).headers.clone();
    for (name, value) in [
        ("Cache-Control", "no-cache"),
        ("Pragma", "no-cache"),
        ("Expires", "0"),
    ] {
        headers.push((name.to_owned(), value.to_owned()));
    }
    let outcome = house
        .store
        .put(single(&presigned), &headers, sample::CONTENT);
    assert_eq!(outcome, PutOutcome::Stored);
    let registered = house.register(plain(presigned.asset_id)).await.unwrap();
    assert!(registered.created);
}

#[tokio::test]
async fn a_guessed_media_type_is_overlooked_for_octet_streams_where_the_store_guesses() {
    for (content_type, keeps_octet_stream, accepted) in [
        (ContentType::OCTET_STREAM, false, true),
        (ContentType::OCTET_STREAM, true, false),
        ("image/jpeg", false, false),
    ] {
        let house = House::new();
        house.store.set_capabilities(StoreCapabilities {
            enforces_sha256: true,
            keeps_octet_stream,
            honours_response_headers: true,
            proves_parts: true,
        });
        let facts = ContentFacts {
            content_type: ContentType::parse(content_type).unwrap(),
            ..sample::facts()
        };
        let presigned = house.presign_of(facts).await;
        house.store.upload(single(&presigned), sample::CONTENT);
        let mut object = house.store.object(&presigned.address).unwrap();
        object.content_type = Some("application/pdf".to_owned());
        house.store.place(&presigned.address, object);
        let outcome = house.register(plain(presigned.asset_id)).await;
        assert_eq!(outcome.is_ok(), accepted, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_silent_store_is_no_absence_and_registration_goes_on_once_it_is_back() {
    let house = House::new();
    let asset_id = house.uploaded().await.asset_id;
    house.store.set_available(false);
    let refused = house.register(plain(asset_id)).await;
    assert!(
        matches!(
            refused,
            Err(RegisterError::Storage(StorageError::Unavailable(_)))
        ),
        "{refused:?}"
    );
    house.assert_pending(asset_id).await;
    house.store.set_available(true);
    assert!(house.register(plain(asset_id)).await.unwrap().created);
}
