//! Reading a registered asset's object again.

use std::{sync::Arc, time::Duration};

use nexus_raw::{
    asset::{ByteSize, RawAsset, Sha256Digest, Verdict, Verification},
    event::{DatasetEvent, EventType},
    ports::{
        AssetCatalog, AssetVerification, CatalogError, HashOutcome, MockAssetCatalog,
        MockObjectWorker, MockRawStorageRepository, StorageError, StoredObject, Urgency,
        VerificationOutcome, WorkProgress,
    },
    service::{RawStorageService, ReadError, UploadPolicy, VerifyError},
};
use nexus_raw_testkit::{SequentialIds, sample};

use crate::house::House;

const OTHER: &[u8] = b"other bytes of another length";
/// As long as what was promised.
const ROTTEN: [u8; sample::CONTENT.len()] = [7; sample::CONTENT.len()];

async fn verify(house: &House, asset: &RawAsset) -> Result<Verification, VerifyError> {
    let service = &house.service;
    service
        .verify(&house.access, &house.context, asset.asset_id())
        .await
}

async fn latest(house: &House, asset: &RawAsset) -> Option<Verification> {
    let reader = sample::read_access(&house.scope);
    let service = &house.service;
    service
        .latest_verification(&reader, asset.asset_id())
        .await
        .unwrap()
}

fn verified(house: &House) -> Vec<DatasetEvent> {
    let mut events = house.catalog.events_in(&house.scope);
    events.retain(|it| it.body.verification.is_some());
    events
}

fn found(verification: &Verification) -> Option<(Sha256Digest, u64)> {
    let size_bytes = verification.size_bytes()?;
    Some((*verification.sha256()?, size_bytes.get()))
}

fn promised() -> (Sha256Digest, u64) {
    (sample::facts().sha256, sample::facts().size_bytes.get())
}

#[tokio::test]
async fn an_intact_asset_is_read_and_said_to_be_so_in_an_event() {
    let house = House::new();
    let asset = house.registered(sample::provenance()).await;
    assert_eq!(latest(&house, &asset).await, None);
    house.clock.advance(Duration::from_secs(5));
    let verification = verify(&house, &asset).await.unwrap();
    assert_eq!(verification.verdict(), Verdict::Intact);
    assert_eq!(verification.verified_at(), sample::seconds_after(5));
    assert_eq!(found(&verification), Some(promised()));
    assert_eq!(latest(&house, &asset).await, Some(verification));
    let [event] = &verified(&house)[..] else {
        panic!("one event");
    };
    let body = &event.body;
    assert_eq!(body.event_type, EventType::RawAssetVerified);
    assert_eq!(body.verification, Some(verification));
    assert_eq!(body.occurred_at, verification.verified_at());
    assert_eq!(body.user_id, *house.access.user());
    assert_eq!(body.trace_id, house.context.trace_id);
    assert_eq!(body.sha256, Some(asset.facts().sha256));
    let provenance = asset.provenance();
    assert_eq!(body.pii_flags.as_ref(), Some(&provenance.pii_flags));
    assert_eq!(body.train_ok, Some(provenance.train_ok));
    // the record stays as it is
    let reader = sample::read_access(&house.scope);
    let read = house
        .service
        .asset(&reader, asset.asset_id())
        .await
        .unwrap();
    assert_eq!(read.asset, asset);
}

#[tokio::test]
async fn a_verdict_is_returned_again_for_a_minute_without_a_reading() {
    let house = House::new();
    let asset = house.registered(sample::provenance()).await;
    let first = verify(&house, &asset).await.unwrap();
    house.store.rot(asset.address(), &ROTTEN);
    house.clock.advance(Duration::from_micros(59_999_999));
    assert_eq!(verify(&house, &asset).await.unwrap(), first);
    assert_eq!((house.store.calls().hash, verified(&house).len()), (1, 1));
    house.clock.advance(Duration::from_micros(1));
    let second = verify(&house, &asset).await.unwrap();
    assert_eq!(second.verdict(), Verdict::Corrupt);
    assert_eq!((house.store.calls().hash, verified(&house).len()), (2, 2));
}

/// What took the place of the object is read, and said as it was found.
#[tokio::test]
async fn what_is_no_longer_as_recorded_is_corrupt_or_missing() {
    type Harm = fn(&House, &RawAsset);
    let harms: [(Harm, Verdict, Option<&[u8]>); 5] = [
        // a failing disk: all that is reported of the object stays
        (
            |house, asset| house.store.rot(asset.address(), &ROTTEN),
            Verdict::Corrupt,
            Some(&ROTTEN),
        ),
        (
            |house, asset| house.store.replace(asset.address(), OTHER),
            Verdict::Corrupt,
            Some(OTHER),
        ),
        // cut, under the same entity tag
        (
            |house, asset| {
                let mut object = house.store.object(asset.address()).unwrap();
                object.size_bytes = 0;
                house.store.place(asset.address(), object);
                house.store.rot(asset.address(), b"");
            },
            Verdict::Corrupt,
            Some(b""),
        ),
        (
            |house, asset| drop(house.store.remove(asset.address())),
            Verdict::Missing,
            None,
        ),
        // restored from a copy: the bytes are what counts
        (
            |house, asset| house.store.replace(asset.address(), sample::CONTENT),
            Verdict::Intact,
            Some(sample::CONTENT),
        ),
    ];
    for (harm, verdict, content) in harms {
        let house = House::new();
        let asset = house.registered(sample::provenance()).await;
        harm(&house, &asset);
        let verification = verify(&house, &asset).await.unwrap();
        assert_eq!(verification.verdict(), verdict);
        let content = content.map(|it| (Sha256Digest::of(it), it.len() as u64));
        assert_eq!(found(&verification), content, "{verdict:?}");
        let event_type = verified(&house)[0].body.event_type;
        let expected = match verdict {
            Verdict::Intact => EventType::RawAssetVerified,
            _ => EventType::RawAssetCorrupt,
        };
        assert_eq!(event_type, expected);
        assert_eq!(latest(&house, &asset).await, Some(verification));
    }
}

#[tokio::test]
async fn nothing_is_said_of_an_object_that_the_store_did_not_give() {
    let house = House::new();
    let asset = house.registered(sample::provenance()).await;
    house.store.set_available(false);
    let failed = verify(&house, &asset).await;
    assert!(matches!(failed, Err(VerifyError::Storage(_))), "{failed:?}");
    house.store.set_available(true);
    assert_eq!(latest(&house, &asset).await, None);
    assert!(verified(&house).is_empty());
}

#[tokio::test]
async fn what_is_not_registered_in_the_scope_is_not_found_or_read() {
    let house = House::new();
    let asset = house.registered(sample::provenance()).await;
    let pending = house.uploaded().await.asset_id;
    for house in [
        house.seen_from("t_b", "dev"),
        house.seen_from("t_a", "prod"),
    ] {
        let refused = verify(&house, &asset).await;
        assert!(matches!(refused, Err(VerifyError::AssetNotFound)));
        let reader = sample::read_access(&house.scope);
        let read = house.service.latest_verification(&reader, asset.asset_id());
        assert!(matches!(read.await, Err(ReadError::AssetNotFound)));
    }
    let service = &house.service;
    let refused = service.verify(&house.access, &house.context, pending).await;
    assert!(matches!(refused, Err(VerifyError::AssetNotFound)));
    assert_eq!(house.store.calls().hash, 0);
}

/// A caller waits for objects up to the limit of the policy, and polls for larger ones.
#[tokio::test]
async fn a_large_object_is_read_in_the_background() {
    let size = sample::facts().size_bytes.get();
    for (limit, urgency) in [(size - 1, Urgency::Background), (size, Urgency::Awaited)] {
        let mut worker = MockObjectWorker::new();
        worker
            .expect_verify()
            .times(1)
            .withf(move |_, it| *it == urgency)
            .returning(|_, _| Ok(WorkProgress::Pending));
        let limit = ByteSize::parse(limit).unwrap();
        let policy = UploadPolicy::default().with_sync_hash_max_bytes(limit);
        let house = House::new();
        let asset = house.registered(sample::provenance()).await;
        let service = RawStorageService::new(
            house.store.clone(),
            Arc::new(house.catalog.clone()),
            house.clock.clone(),
            Arc::new(SequentialIds::seeded(2)),
        )
        .with_policy(policy)
        .with_worker(Arc::new(worker));
        let pending = service.verify(&house.access, &house.context, asset.asset_id());
        let Err(VerifyError::Pending { retry_after }) = pending.await else {
            panic!("pending");
        };
        assert_eq!(retry_after, Duration::from_secs(1));
    }
}

/// Of its registered asset, without a verification.
async fn known(house: &House) -> AssetVerification {
    let asset = house.registered(sample::provenance()).await;
    let found = house
        .catalog
        .find_verification(&house.scope, asset.asset_id());
    found.await.unwrap().unwrap()
}

async fn verified_by(
    house: &House,
    storage: Arc<dyn nexus_raw::ports::RawStorageRepository>,
    catalog: MockAssetCatalog,
    known: &AssetVerification,
) -> Result<Verification, VerifyError> {
    let service = RawStorageService::new(
        storage,
        Arc::new(catalog),
        house.clock.clone(),
        Arc::new(SequentialIds::seeded(2)),
    );
    let id = known.listed.asset.asset_id();
    service.verify(&house.access, &house.context, id).await
}

#[tokio::test]
async fn facts_that_come_first_are_in_force_in_the_event() {
    for changes in [1, 64] {
        let house = House::new();
        let known = known(&house).await;
        let mut catalog = MockAssetCatalog::new();
        let found = known.clone();
        catalog
            .expect_find_verification()
            .returning(move |_, _| Ok(Some(found.clone())));
        let mut asked = 0;
        catalog.expect_record_verification().returning(move |_| {
            asked += 1;
            Ok(if asked <= changes {
                VerificationOutcome::Changed
            } else {
                VerificationOutcome::Recorded
            })
        });
        let outcome = verified_by(&house, house.store.clone(), catalog, &known).await;
        // the object is read once, however often the event is made anew
        assert_eq!(house.store.calls().hash, 1);
        if changes == 1 {
            assert_eq!(outcome.unwrap().verdict(), Verdict::Intact);
        } else {
            let is_unavailable =
                |it| matches!(it, VerifyError::Catalog(CatalogError::Unavailable(_)));
            assert!(outcome.is_err_and(is_unavailable));
        }
    }
}

#[tokio::test]
async fn an_object_that_never_stays_is_not_judged() {
    let house = House::new();
    let known = known(&house).await;
    let stored: StoredObject = {
        let address = known.listed.asset.address();
        house.store.object(address).unwrap()
    };
    let mut storage = MockRawStorageRepository::new();
    storage
        .expect_hash()
        .times(3)
        .returning(|_| Ok(HashOutcome::Replaced));
    storage
        .expect_stat()
        .times(3)
        .returning(move |_| Ok(Some(stored.clone())));
    let mut catalog = MockAssetCatalog::new();
    let found = known.clone();
    catalog
        .expect_find_verification()
        .returning(move |_, _| Ok(Some(found.clone())));
    catalog.expect_record_verification().never();
    let outcome = verified_by(&house, Arc::new(storage), catalog, &known).await;
    let is_unavailable = |it| matches!(it, VerifyError::Storage(StorageError::Unavailable(_)));
    assert!(outcome.is_err_and(is_unavailable));
}
