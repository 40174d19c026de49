use std::sync::Arc;

use nexus_raw::{
    asset::{AssetId, ByteSize, DeclaredPart, IntegrityLevel, PartNumber, Sha256Digest},
    event::EventType,
    ports::{AssetCatalog, IdempotencyKey, IntentState, StoreCapabilities},
    service::{
        AbortError, IfRegistered, PartsError, PresignError, PresignRequest, Presigned,
        PresignedAsset, RegisterError, RegisterRequest, RestatedFacts, UploadPolicy, UploadSteps,
    },
};
use nexus_raw_testkit::{PutOutcome, sample};
use tokio::task::JoinSet;

use crate::house::{House, plain};

/// A house whose parts have eight bytes, so that the sample's content has three.
pub(crate) fn house() -> House {
    House::with_policy(UploadPolicy::default().with_part_size_bytes(ByteSize::parse(8).unwrap()))
}

pub(crate) fn request() -> PresignRequest {
    PresignRequest::new(sample::facts().with_sha256(None)).in_parts()
}

pub(crate) fn digest() -> Sha256Digest {
    sample::facts().sha256
}

pub(crate) fn declarations() -> Vec<(PartNumber, Sha256Digest)> {
    let parts = sample::parts();
    parts
        .iter()
        .map(|part| (part.number, part.sha256))
        .collect()
}

pub(crate) fn stating_digest(asset_id: AssetId, sha256: Sha256Digest) -> RegisterRequest {
    plain(asset_id).with_restated(RestatedFacts {
        sha256: Some(sha256),
        ..RestatedFacts::default()
    })
}

impl House {
    pub(crate) async fn begin(&self, request: PresignRequest) -> PresignedAsset {
        let presigned = self
            .service
            .presign_upload(&self.access, &self.context, request);
        presigned.await.unwrap().into_upload().unwrap()
    }

    async fn declare(&self, asset_id: AssetId) -> Vec<nexus_raw::service::PresignedPart> {
        let declarations = declarations();
        let signed = self
            .service
            .presign_parts(&self.access, asset_id, &declarations);
        signed.await.unwrap()
    }

    /// An upload of which these parts are in the store.
    pub(crate) async fn begun_with(&self, parts: &[usize]) -> AssetId {
        let asset_id = self.begin(request()).await.asset_id;
        let signed = self.declare(asset_id).await;
        let contents: Vec<_> = sample::CONTENT.chunks(8).collect();
        for at in parts {
            let outcome = self.store.upload(&signed[*at].upload, contents[*at]);
            assert_eq!(outcome, PutOutcome::Stored);
        }
        asset_id
    }

    pub(crate) async fn abort(&self, asset_id: AssetId) -> Result<(), AbortError> {
        let access = &self.access;
        self.service
            .abort_upload(access, &self.context, asset_id)
            .await
    }

    fn types(&self) -> Vec<EventType> {
        self.events().iter().map(|it| it.body.event_type).collect()
    }
}

#[tokio::test]
async fn an_upload_in_parts_is_registered_with_the_composite_as_its_proof() {
    let house = house();
    let presigned = house.begin(request()).await;
    let UploadSteps::Multipart { layout, expires_at } = presigned.upload else {
        panic!("{presigned:?}");
    };
    assert_eq!((layout.part_size_bytes().get(), layout.count()), (8, 3));
    assert_eq!(expires_at, sample::seconds_after(24 * 3600));
    // nothing is begun in the store before parts are declared
    assert_eq!(house.store.open_uploads(), 0);
    assert_eq!(house.events()[0].body.sha256, None);
    let asset_id = presigned.asset_id;
    let signed = house.declare(asset_id).await;
    for (part, content) in signed.iter().zip(sample::CONTENT.chunks(8)) {
        let wrong = vec![b'x'; content.len()];
        assert_eq!(
            house.store.upload(&part.upload, &wrong),
            PutOutcome::BadDigest
        );
        assert_eq!(
            house.store.upload(&part.upload, content),
            PutOutcome::Stored
        );
    }
    let access = sample::read_access(&house.scope);
    let held = house
        .service
        .parts(&access, asset_id, 0, 1000)
        .await
        .unwrap();
    assert_eq!(held, sample::parts());
    let held = house.service.parts(&access, asset_id, 1, 1).await.unwrap();
    assert_eq!(held, sample::parts()[1..2]);

    let registered = house
        .register(stating_digest(asset_id, digest()))
        .await
        .unwrap();
    assert!(registered.created);
    let record = registered.asset;
    assert_eq!(record.facts(), &sample::facts());
    let integrity = record.integrity();
    assert_eq!(integrity.level, IntegrityLevel::S3CompositeSha256);
    assert_eq!(integrity.parts, Some(3));
    let event = &house.events()[1].body;
    assert_eq!(event.integrity.unwrap().parts, Some(3));
    assert_eq!(event.sha256, Some(digest()));
    assert_eq!(house.store.open_uploads(), 0);

    let again = house
        .register(stating_digest(asset_id, digest()))
        .await
        .unwrap();
    assert!(!again.created);
    assert_eq!(again.asset, record);
    let nowhere = house.register(plain(asset_id)).await;
    assert!(
        matches!(nowhere, Err(RegisterError::DigestMissing)),
        "{nowhere:?}"
    );
    let other = stating_digest(asset_id, Sha256Digest::of(b"other"));
    let other = house.register(other).await;
    assert!(
        matches!(&other, Err(RegisterError::RestatedDiffers { fields }) if fields == &["sha256"]),
        "{other:?}"
    );
    let late = house.abort(asset_id).await;
    assert!(matches!(late, Err(AbortError::Registered)), "{late:?}");
    let late = house
        .service
        .presign_parts(&house.access, asset_id, &declarations())
        .await;
    assert!(matches!(late, Err(PartsError::Registered)), "{late:?}");
}

#[tokio::test]
async fn the_digest_is_stated_at_presign_or_at_register_and_not_twice_differently() {
    let house = house();
    let stated = PresignRequest::new(sample::facts()).in_parts();
    let asset_id = house.begin(stated).await.asset_id;
    let other = stating_digest(asset_id, Sha256Digest::of(b"other"));
    let refused = house.register(other).await;
    assert!(
        matches!(refused, Err(RegisterError::RestatedDiffers { .. })),
        "{refused:?}"
    );
    let unstated = house.begin(request()).await.asset_id;
    let refused = house.register(plain(unstated)).await;
    assert!(
        matches!(refused, Err(RegisterError::DigestMissing)),
        "{refused:?}"
    );
    let unknown = house.register(plain(sample::asset_id(404))).await;
    assert!(
        matches!(unknown, Err(RegisterError::AssetNotFound)),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn parts_that_are_not_there_are_named_and_nothing_is_completed() {
    let house = house();
    let number = |it| PartNumber::parse(it).unwrap();
    let undeclared = house.begin(request()).await.asset_id;
    let refused = house.register(stating_digest(undeclared, digest())).await;
    let all = vec![number(1), number(2), number(3)];
    assert!(
        matches!(&refused, Err(RegisterError::PartsMissing { parts }) if *parts == all),
        "{refused:?}"
    );
    let asset_id = house.begun_with(&[1]).await;
    for _ in 0..2 {
        let refused = house.register(stating_digest(asset_id, digest())).await;
        let missing = vec![number(1), number(3)];
        assert!(
            matches!(&refused, Err(RegisterError::PartsMissing { parts }) if *parts == missing),
            "{refused:?}"
        );
    }
    house.assert_pending(asset_id).await;
    // some are not declared, and of the others one is not uploaded
    let asset_id = house.begin(request()).await.asset_id;
    let declared = &declarations()[1..];
    let signed = house
        .service
        .presign_parts(&house.access, asset_id, declared)
        .await
        .unwrap();
    let content = sample::CONTENT.chunks(8).nth(1).unwrap();
    let outcome = house.store.upload(&signed[0].upload, content);
    assert_eq!(outcome, PutOutcome::Stored);
    let refused = house.register(stating_digest(asset_id, digest())).await;
    let missing = vec![number(1), number(3)];
    assert!(
        matches!(&refused, Err(RegisterError::PartsMissing { parts }) if *parts == missing),
        "{refused:?}"
    );
    assert_eq!(house.store.calls().complete, 2);
}

#[tokio::test]
async fn a_part_keeps_its_digest() {
    let house = house();
    let asset_id = house.begin(request()).await.asset_id;
    house.declare(asset_id).await;
    assert_eq!(house.declare(asset_id).await.len(), 3);
    let mut other = declarations();
    other[2].1 = Sha256Digest::of(b"other");
    let refused = house
        .service
        .presign_parts(&house.access, asset_id, &other)
        .await;
    let third = vec![other[2].0];
    assert!(
        matches!(&refused, Err(PartsError::Differ { parts }) if *parts == third),
        "{refused:?}"
    );
    let fourth = (PartNumber::parse(4).unwrap(), digest());
    let refused = house
        .service
        .presign_parts(&house.access, asset_id, &[other[0], fourth])
        .await;
    assert!(
        matches!(&refused, Err(PartsError::OutOfRange { positions, count: 3 }) if *positions == [1]),
        "{refused:?}"
    );
    assert_eq!(house.store.open_uploads(), 1);
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing_and_is_never_registered() {
    let house = house();
    let asset_id = house.begun_with(&[0, 1, 2]).await;
    house.abort(asset_id).await.unwrap();
    house.abort(asset_id).await.unwrap();
    assert_eq!(house.store.open_uploads(), 0);
    assert_eq!(
        house.types(),
        [
            EventType::RawAssetPresigned,
            EventType::RawAssetUploadAborted
        ]
    );
    let refused = house.register(stating_digest(asset_id, digest())).await;
    assert!(
        matches!(refused, Err(RegisterError::UploadAborted)),
        "{refused:?}"
    );
    let refused = house
        .service
        .presign_parts(&house.access, asset_id, &declarations())
        .await;
    assert!(matches!(refused, Err(PartsError::Ended)), "{refused:?}");
    assert!(matches!(
        house.state(asset_id).await,
        Some(IntentState::Aborted(_))
    ));

    let single = house.uploaded().await.asset_id;
    let refused = house.abort(single).await;
    assert!(
        matches!(refused, Err(AbortError::NotMultipart)),
        "{refused:?}"
    );
    let stranger = house.seen_from("t_b", "dev").abort(asset_id).await;
    assert!(
        matches!(stranger, Err(AbortError::AssetNotFound)),
        "{stranger:?}"
    );
}

#[tokio::test]
async fn an_upload_that_is_begun_during_an_abort_is_aborted_too() {
    // the abort comes at each moment of a declaration
    for turns in 0..8 {
        let house = house();
        let asset_id = house.begin(request()).await.asset_id;
        let abort = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            house.abort(asset_id).await
        };
        let declarations = declarations();
        let declare = house
            .service
            .presign_parts(&house.access, asset_id, &declarations);
        let (aborted, declared) = tokio::join!(biased; abort, declare);
        aborted.unwrap();
        assert!(
            matches!(declared, Ok(_) | Err(PartsError::Ended)),
            "{declared:?}"
        );
        assert_eq!(house.store.open_uploads(), 0, "{turns}");
    }
}

#[tokio::test]
async fn a_completed_upload_is_not_aborted_but_registered() {
    let house = house();
    let asset_id = house.begun_with(&[0, 1, 2]).await;
    // the process ended between the completion and the record
    house.catalog.set_available(true);
    let Some(IntentState::Pending(intent)) = house.state(asset_id).await else {
        panic!("it is pending");
    };
    let upload_id = intent.multipart.clone().unwrap().upload_id.unwrap();
    let upload = nexus_raw::ports::OpenUpload::of(&intent, upload_id);
    let store: Arc<dyn nexus_raw::ports::RawStorageRepository> = house.store.clone();
    store.complete(&upload, &sample::parts()).await.unwrap();
    let refused = house.abort(asset_id).await;
    assert!(matches!(refused, Err(AbortError::Completed)), "{refused:?}");
    let registered = house
        .register(stating_digest(asset_id, digest()))
        .await
        .unwrap();
    assert!(registered.created);
    assert_eq!(house.store.calls().complete, 1);
}

#[tokio::test]
async fn an_upload_that_the_store_has_lost_is_begun_again() {
    let house = house();
    let asset_id = house.begun_with(&[0, 1, 2]).await;
    let Some(IntentState::Pending(intent)) = house.state(asset_id).await else {
        panic!("it is pending");
    };
    house
        .store
        .lose_upload(&intent.multipart.unwrap().upload_id.unwrap());
    let refused = house.register(stating_digest(asset_id, digest())).await;
    assert!(
        matches!(&refused, Err(RegisterError::PartsMissing { parts }) if parts.len() == 3),
        "{refused:?}"
    );
    let signed = house.declare(asset_id).await;
    for (part, content) in signed.iter().zip(sample::CONTENT.chunks(8)) {
        assert_eq!(
            house.store.upload(&part.upload, content),
            PutOutcome::Stored
        );
    }
    let registered = house
        .register(stating_digest(asset_id, digest()))
        .await
        .unwrap();
    assert!(registered.created);
}

#[tokio::test]
async fn where_the_store_does_not_prove_parts_the_whole_is_read_and_hashed() {
    let house = house();
    house.store.set_capabilities(StoreCapabilities {
        enforces_sha256: true,
        keeps_octet_stream: true,
        honours_response_headers: true,
        proves_parts: false,
    });
    let asset_id = house.begun_with(&[0, 1, 2]).await;
    let wrong = stating_digest(asset_id, Sha256Digest::of(b"other"));
    let refused = house.register(wrong).await;
    assert!(
        matches!(refused, Err(RegisterError::ObjectMismatch { .. })),
        "{refused:?}"
    );
    house.assert_pending(asset_id).await;
    let registered = house
        .register(stating_digest(asset_id, digest()))
        .await
        .unwrap();
    let integrity = registered.asset.integrity();
    assert_eq!(integrity.level, IntegrityLevel::StreamSha256);
    assert_eq!(integrity.parts, Some(3));
}

#[tokio::test]
async fn another_object_at_the_key_is_a_mismatch() {
    let house = house();
    let asset_id = house.begun_with(&[0, 1, 2]).await;
    let presigned = house.uploaded().await;
    let mut other = house.store.object(&presigned.address).unwrap();
    let metadata = other.user_metadata.get_mut("asset-id").unwrap();
    *metadata = asset_id.to_string();
    let Some(IntentState::Pending(intent)) = house.state(asset_id).await else {
        panic!("it is pending");
    };
    // the promised bytes, but not in the declared parts
    house.store.place(&intent.address, other);
    let refused = house.register(stating_digest(asset_id, digest())).await;
    assert!(
        matches!(refused, Err(RegisterError::ObjectMismatch { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_upload_in_parts_ends_with_its_intent_unless_it_was_completed() {
    let house = house();
    let asset_id = house.begun_with(&[0, 1, 2]).await;
    house.end_intents();
    let late = house.register(stating_digest(asset_id, digest())).await;
    assert!(
        matches!(late, Err(RegisterError::UploadExpired)),
        "{late:?}"
    );
    assert_eq!(house.store.calls().complete, 0);
    let late = house
        .service
        .presign_parts(&house.access, asset_id, &declarations())
        .await;
    assert!(matches!(late, Err(PartsError::Ended)), "{late:?}");
}

#[tokio::test]
async fn what_cannot_be_uploaded_in_one_request_or_in_parts_is_refused() {
    let house = house();
    let presign = async |request| {
        let presigned = house
            .service
            .presign_upload(&house.access, &house.context, request);
        presigned.await
    };
    let unstated = presign(PresignRequest::new(sample::facts().with_sha256(None))).await;
    assert!(
        matches!(unstated, Err(PresignError::DigestMissing)),
        "{unstated:?}"
    );
    let unstated = presign(request().with_if_registered(IfRegistered::Return)).await;
    assert!(
        matches!(unstated, Err(PresignError::DigestMissing)),
        "{unstated:?}"
    );
    let mut empty = request();
    empty.facts.size_bytes = ByteSize::parse(0).unwrap();
    let empty = presign(empty).await;
    assert!(matches!(empty, Err(PresignError::NoParts)), "{empty:?}");
    let large = UploadPolicy::default().with_max_object_bytes(ByteSize::MAX_MULTIPART);
    let house = House::with_policy(large);
    let mut request = PresignRequest::new(sample::facts());
    request.facts.size_bytes = ByteSize::parse(ByteSize::MAX_SINGLE_PUT.get() + 1).unwrap();
    let single = house
        .service
        .presign_upload(&house.access, &house.context, request.clone());
    let single = single.await;
    assert!(
        matches!(single, Err(PresignError::PartsNeeded)),
        "{single:?}"
    );
    let UploadSteps::Multipart { layout, .. } = house.begin(request.in_parts()).await.upload else {
        panic!("it is in parts");
    };
    assert_eq!(layout.count(), 641);
}

#[tokio::test]
async fn a_repeat_under_a_key_gives_the_same_upload_and_writes_nothing() {
    let house = house();
    let key = IdempotencyKey::parse("film").unwrap();
    let keyed = || request().with_idempotency_key(key);
    let first = house.begin(keyed()).await;
    for _ in 0..150 {
        assert_eq!(house.begin(keyed()).await, first);
    }
    assert_eq!(house.events().len(), 1);
    house.abort(first.asset_id).await.unwrap();
    let after = house.begin(keyed()).await;
    assert_ne!(after.asset_id, first.asset_id);
    let single = PresignRequest::new(sample::facts()).with_idempotency_key(key);
    let other = house
        .service
        .presign_upload(&house.access, &house.context, single)
        .await;
    assert!(matches!(other, Err(PresignError::KeyReused)), "{other:?}");
}

#[tokio::test]
async fn a_composite_is_no_proof_of_the_whole_for_another_upload() {
    let house = house();
    let asset_id = house.begun_with(&[0, 1, 2]).await;
    house
        .register(stating_digest(asset_id, digest()))
        .await
        .unwrap();
    let wanted = PresignRequest::new(sample::facts()).with_if_registered(IfRegistered::Return);
    let presigned = house
        .service
        .presign_upload(&house.access, &house.context, wanted)
        .await;
    assert!(
        matches!(presigned, Ok(Presigned::Upload(_))),
        "{presigned:?}"
    );
}

#[tokio::test]
async fn many_registrations_at_once_make_one_record() {
    let house = house();
    let asset_id = house.begun_with(&[0, 1, 2]).await;
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let house = house.clone();
        callers.spawn(async move { house.register(stating_digest(asset_id, digest())).await });
    }
    let registered: Vec<_> = callers
        .join_all()
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(registered.iter().filter(|it| it.created).count(), 1);
    assert!(registered.iter().all(|it| it.asset == registered[0].asset));
}

#[tokio::test]
async fn one_upload_is_begun_however_many_declare_at_once() {
    let house = house();
    let asset_id = house.begin(request()).await.asset_id;
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let house = house.clone();
        callers.spawn(async move { house.declare(asset_id).await });
    }
    callers.join_all().await;
    assert_eq!(house.store.open_uploads(), 1);
    let scope = &house.scope;
    let declared: Vec<DeclaredPart> = house
        .catalog
        .declared_parts(scope, asset_id, 0, 1000)
        .await
        .unwrap();
    assert_eq!(declared, sample::parts());
}
