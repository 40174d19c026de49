use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use nexus_raw::{
    asset::{ByteSize, ContentFacts, ObjectAddress, ObjectKey, Provenance, UploadIntent},
    event::EventBody,
    ports::{
        AssetCatalog, CatalogError, IdempotencyKey, IntentState, MockRawStorageRepository,
        PresignedUpload, SignedUrl, StorageError, UploadTerms,
    },
    service::{
        IfRegistered, PresignError, PresignRequest, Presigned, PresignedAsset, RawStorageService,
        UploadPolicy,
    },
};
use nexus_raw_testkit::{SequentialIds, sample, steps};

use crate::house::House;

#[tokio::test]
async fn a_presign_writes_the_intent_and_its_event_and_answers_with_the_upload() {
    let house = House::new();
    let PresignedAsset {
        asset_id,
        address,
        upload,
    } = house.presign().await;
    assert_eq!(asset_id.as_uuid().get_version_num(), 7);
    let expected = ObjectAddress {
        bucket: sample::bucket(),
        key: ObjectKey::for_asset(&house.scope, asset_id, &sample::facts().filename),
    };
    assert_eq!(address, expected);
    let ends_at = upload.as_single().unwrap().expires_at;
    assert_eq!(ends_at, sample::seconds_after(15 * 60));
    let intent = UploadIntent {
        asset_id,
        scope: house.scope.clone(),
        address,
        facts: sample::facts().into(),
        multipart: None,
        requested_by: sample::user(),
        requested_at: sample::now(),
        ends_at: sample::seconds_after(24 * 3600),
    };
    let event = EventBody::presigned(&intent, &sample::user(), &house.context, sample::now());
    assert_eq!(
        house.state(asset_id).await,
        Some(IntentState::Pending(intent))
    );
    let events = house.events();
    let bodies: Vec<_> = events.iter().map(|it| (it.sequence, &it.body)).collect();
    assert_eq!(bodies, [(1, &event)]);
}

#[tokio::test]
async fn each_presign_is_an_asset_of_its_own() {
    let house = House::new();
    let (one, other) = (house.presign().await, house.presign().await);
    assert_ne!(one.asset_id, other.asset_id);
    assert_ne!(one.upload, other.upload);
    assert_eq!(house.events().len(), 2);
}

/// The store computes how long a URL lives from the intent that was written, whose end does not
/// move when it is signed again, and from the policy's time to live.
#[tokio::test]
async fn what_is_signed_is_the_promise_that_is_written_and_its_end_does_not_move() {
    let policy = UploadPolicy::default()
        .with_presign_ttl(Duration::from_mins(2))
        .with_intent_ttl(Duration::from_mins(3));
    let signed = Arc::new(Mutex::new(Vec::new()));
    let mut store = MockRawStorageRepository::new();
    store.expect_bucket().return_const(sample::bucket());
    let terms_seen = signed.clone();
    store.expect_presign_upload().returning(move |terms| {
        let UploadTerms {
            intent, now, ttl, ..
        } = terms;
        terms_seen.lock().unwrap().push((intent.clone(), now, ttl));
        Ok(PresignedUpload {
            method: "PUT",
            url: SignedUrl::new("https://s3.test/".to_owned()),
            headers: Vec::new(),
            expires_at: now,
        })
    });
    let House {
        clock,
        catalog,
        scope,
        access,
        context,
        ..
    } = House::new();
    let service = RawStorageService::new(
        Arc::new(store),
        Arc::new(catalog.clone()),
        clock.clone(),
        Arc::new(SequentialIds::seeded(1)),
    )
    .with_policy(policy);
    let key = IdempotencyKey::parse("k").unwrap();
    let request = || PresignRequest::new(sample::facts());
    let presign = async || {
        let request = request().with_idempotency_key(key);
        let presigned = service.presign_upload(&access, &context, request).await;
        presigned.map(|presigned| presigned.into_upload().unwrap())
    };
    let asset_id = presign().await.unwrap().asset_id;
    clock.advance(Duration::from_secs(100));
    assert_eq!(presign().await.unwrap().asset_id, asset_id);
    let Some(IntentState::Pending(intent)) = catalog.find_intent(&scope, asset_id).await.unwrap()
    else {
        panic!("no intent");
    };
    assert_eq!(intent.ends_at, sample::seconds_after(180));
    let ttl = policy.presign_ttl;
    assert_eq!(
        *signed.lock().unwrap(),
        [
            (intent.clone(), sample::now(), ttl),
            (intent, sample::seconds_after(100), ttl)
        ]
    );
}

#[tokio::test]
async fn an_asset_may_be_as_large_as_the_policy_and_no_larger() {
    let limit = ByteSize::parse(1000).unwrap();
    let house = House::with_policy(UploadPolicy::default().with_max_object_bytes(limit));
    let of_size = |bytes| ContentFacts {
        size_bytes: ByteSize::parse(bytes).unwrap(),
        ..sample::facts()
    };
    house.presign_of(of_size(1000)).await;
    let request = PresignRequest::new(of_size(1001));
    let refused = house
        .service
        .presign_upload(&house.access, &house.context, request)
        .await;
    assert!(
        matches!(refused, Err(PresignError::TooLarge { limit: reported }) if reported == limit),
        "{refused:?}"
    );
    assert_eq!(house.events().len(), 1);
}

#[tokio::test]
async fn credentials_about_to_end_write_nothing() {
    let house = House::new();
    house.store.set_credentials_end(sample::seconds_after(59));
    let request = PresignRequest::new(sample::facts());
    let refused = house
        .service
        .presign_upload(&house.access, &house.context, request)
        .await;
    assert!(
        matches!(
            refused,
            Err(PresignError::Storage(StorageError::CredentialsEnding))
        ),
        "{refused:?}"
    );
    assert_eq!(house.events(), []);
}

#[tokio::test]
async fn no_url_leaves_when_the_catalogue_does_not_answer() {
    let house = House::new();
    house.catalog.set_available(false);
    let request = PresignRequest::new(sample::facts());
    let refused = house
        .service
        .presign_upload(&house.access, &house.context, request)
        .await;
    assert!(
        matches!(
            refused,
            Err(PresignError::Catalog(CatalogError::Unavailable(_)))
        ),
        "{refused:?}"
    );
    assert_eq!(house.events(), []);
}

#[tokio::test]
async fn a_registered_asset_is_returned_on_request() {
    let house = House::new();
    let returning = PresignRequest::new(sample::facts()).with_if_registered(IfRegistered::Return);
    let presign = async || {
        let request = returning.clone();
        let presigned = house
            .service
            .presign_upload(&house.access, &house.context, request)
            .await;
        presigned.unwrap()
    };
    // of another scope, and pending
    let other = sample::intent(&sample::scope("t_b", "dev"), sample::asset_id(9));
    steps::presign_and_register(&house.catalog, &other, Provenance::default()).await;
    assert!(presign().await.into_upload().is_some());
    let intent = sample::intent(&house.scope, sample::asset_id(10));
    let new = steps::presign_and_register(&house.catalog, &intent, Provenance::default()).await;
    let (events, calls) = (house.events().len(), house.store.calls());
    assert_eq!(presign().await, Presigned::Registered(Box::new(new.asset)));
    assert_eq!((house.events().len(), house.store.calls()), (events, calls));
    let created = house.presign().await;
    assert_ne!(created.asset_id, intent.asset_id);
}
