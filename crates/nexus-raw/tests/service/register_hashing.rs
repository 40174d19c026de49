//! Registration on a store whose own digests are no proof.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use nexus_raw::{
    asset::{ByteSize, IntegrityLevel, Sha256Digest},
    ports::{
        CatalogError, HashOutcome, MockObjectWorker, PinnedObject, StorageError, Urgency,
        WorkError, WorkProgress,
    },
    service::{Mismatch, RegisterError, UploadPolicy},
};
use nexus_raw_testkit::{PutOutcome, sample};

use crate::house::{House, plain, single, stating};

/// Other bytes of the promised length.
fn other_bytes() -> Vec<u8> {
    sample::CONTENT.iter().map(|byte| byte ^ 1).collect()
}

fn hashed(digest: Sha256Digest) -> WorkProgress<HashOutcome> {
    WorkProgress::Done(HashOutcome::Hashed(digest))
}

/// A hasher that gives these answers in turn, each once.
fn answering<const N: usize>(
    answers: [Result<WorkProgress<HashOutcome>, WorkError>; N],
) -> MockObjectWorker {
    let mut hasher = MockObjectWorker::new();
    let answers = Mutex::new(VecDeque::from(answers));
    hasher
        .expect_digest()
        .times(N)
        .returning(move |_, _| answers.lock().unwrap().pop_front().unwrap());
    hasher
}

#[tokio::test]
async fn what_was_promised_is_read_and_registered_as_such() {
    let house = House::careless();
    let presigned = house.uploaded().await;
    let registered = house.register(plain(presigned.asset_id)).await.unwrap();
    assert!(registered.created);
    let integrity = registered.asset.integrity();
    let object = house.store.object(&presigned.address).unwrap();
    assert_eq!(
        (integrity.level, &integrity.etag),
        (IntegrityLevel::StreamSha256, &object.etag)
    );
    assert_eq!(house.store.calls().hash, 1);
}

#[tokio::test]
async fn a_digest_that_the_store_claims_is_neither_believed_nor_held_against_it() {
    for (claimed, content, accepted) in [
        (Some(sample::facts().sha256), other_bytes(), false),
        (None, other_bytes(), false),
        (Some(Sha256Digest::of(b"")), sample::CONTENT.to_vec(), true),
        (None, sample::CONTENT.to_vec(), true),
    ] {
        let house = House::careless();
        let presigned = house.presign().await;
        let outcome = house.store.upload(single(&presigned), &content);
        assert_eq!(outcome, PutOutcome::Stored);
        let mut object = house.store.object(&presigned.address).unwrap();
        object.sha256 = claimed;
        house.store.place(&presigned.address, object);
        let outcome = house.register(plain(presigned.asset_id)).await;
        if accepted {
            assert!(outcome.unwrap().created);
            continue;
        }
        let Err(RegisterError::ObjectMismatch { mismatches }) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(mismatches, [Mismatch::Sha256]);
        house.assert_pending(presigned.asset_id).await;
    }
}

#[tokio::test]
async fn nothing_is_read_of_an_object_that_is_another_by_its_head() {
    let house = House::careless();
    let presigned = house.uploaded().await;
    let mut object = house.store.object(&presigned.address).unwrap();
    object.size_bytes += 1;
    object.content_type = None;
    house.store.place(&presigned.address, object);
    let refused = house.register(plain(presigned.asset_id)).await;
    let Err(RegisterError::ObjectMismatch { mismatches }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(mismatches, [Mismatch::Size, Mismatch::ContentType]);
    assert_eq!(house.store.calls().hash, 0);
    house.assert_pending(presigned.asset_id).await;
}

#[tokio::test]
async fn parents_come_before_what_the_store_says() {
    let house = House::careless();
    let presigned = house.presign().await;
    house.store.upload(single(&presigned), &other_bytes());
    let provenance = sample::derived_from(&[sample::asset_id(404)]);
    let refused = house
        .register(stating(presigned.asset_id, provenance))
        .await;
    assert!(
        matches!(&refused, Err(RegisterError::UnknownParents { positions }) if positions == &[0]),
        "{refused:?}"
    );
    assert_eq!(house.store.calls().hash, 0);
}

#[tokio::test]
async fn a_store_whose_digests_are_a_proof_is_never_read() {
    let house = House::new();
    let asset_id = house.uploaded().await.asset_id;
    let registered = house.register(plain(asset_id)).await.unwrap();
    assert_eq!(registered.asset.integrity().level, IntegrityLevel::S3Sha256);
    assert_eq!(house.store.calls().hash, 0);
}

#[tokio::test]
async fn an_object_up_to_the_limit_is_waited_for_and_a_larger_one_is_not() {
    let size = sample::facts().size_bytes;
    for (limit, urgency) in [
        (size, Urgency::Awaited),
        (
            ByteSize::parse(size.get() - 1).unwrap(),
            Urgency::Background,
        ),
    ] {
        let policy = UploadPolicy::default().with_sync_hash_max_bytes(limit);
        let mut hasher = MockObjectWorker::new();
        hasher
            .expect_digest()
            .once()
            .withf(move |object, given| object.size_bytes == size && *given == urgency)
            .return_once(|_, _| Ok(WorkProgress::Pending));
        let house = House::hashed_by(policy, hasher);
        let asset_id = house.uploaded().await.asset_id;
        let pending = house.register(plain(asset_id)).await;
        assert!(
            matches!(
                pending,
                Err(RegisterError::VerificationPending { retry_after })
                    if retry_after == Duration::from_secs(1)
            ),
            "{pending:?}"
        );
        house.assert_pending(asset_id).await;
    }
}

#[tokio::test]
async fn what_is_hashed_is_what_was_seen() {
    let mut hasher = MockObjectWorker::new();
    let promised = sample::facts().sha256;
    let (sender, seen) = std::sync::mpsc::channel::<PinnedObject>();
    hasher.expect_digest().once().returning(move |object, _| {
        sender.send(object).unwrap();
        Ok(hashed(promised))
    });
    let house = House::hashed_by(UploadPolicy::default(), hasher);
    house.store.set_versioned(true);
    let presigned = house.uploaded().await;
    let registered = house.register(plain(presigned.asset_id)).await.unwrap();
    let object = house.store.object(&presigned.address).unwrap();
    let pinned = PinnedObject {
        scope: house.scope.clone(),
        asset_id: presigned.asset_id,
        address: presigned.address,
        size_bytes: sample::facts().size_bytes,
        etag: object.etag,
        version_id: Some("version-1".to_owned()),
    };
    assert_eq!(seen.recv().unwrap(), pinned);
    let integrity = registered.asset.integrity();
    assert_eq!(
        (&integrity.etag, &integrity.version_id),
        (&pinned.etag, &pinned.version_id)
    );
}

#[tokio::test]
async fn an_object_that_was_replaced_while_it_was_read_is_looked_at_again() {
    let replaced = || Ok(WorkProgress::Done(HashOutcome::Replaced));
    let policy = UploadPolicy::default();
    let hasher = answering([replaced(), Ok(hashed(sample::facts().sha256))]);
    let house = House::hashed_by(policy, hasher);
    let asset_id = house.uploaded().await.asset_id;
    assert!(house.register(plain(asset_id)).await.unwrap().created);
    assert_eq!(house.store.calls().stat, 2);

    let house = House::hashed_by(policy, answering([replaced(), replaced()]));
    let asset_id = house.uploaded().await.asset_id;
    let refused = house.register(plain(asset_id)).await;
    assert!(
        matches!(
            refused,
            Err(RegisterError::Storage(StorageError::Unavailable(_)))
        ),
        "{refused:?}"
    );
    house.assert_pending(asset_id).await;
}

#[tokio::test]
async fn an_object_that_is_gone_when_it_is_read_is_reported_as_not_uploaded() {
    let gone = Ok(WorkProgress::Done(HashOutcome::Gone));
    let house = House::hashed_by(UploadPolicy::default(), answering([gone]));
    let presigned = house.uploaded().await;
    // gone between the lookup and the reading, as the next lookup shows
    let service = house.clone();
    let store = house.store.clone();
    let (answer, ()) = tokio::join!(service.register(plain(presigned.asset_id)), async {
        while store.calls().stat == 0 {
            tokio::task::yield_now().await;
        }
        store.remove(&presigned.address);
    });
    assert!(
        matches!(answer, Err(RegisterError::ObjectNotUploaded)),
        "{answer:?}"
    );
    house.assert_pending(presigned.asset_id).await;
}

#[tokio::test]
async fn an_object_that_cannot_be_read_proves_nothing_and_is_read_later() {
    let lost = || StorageError::Unavailable("cut short".into()).into();
    let busy = || CatalogError::Unavailable("busy".into()).into();
    let hasher = answering([Err(lost()), Err(busy()), Ok(hashed(sample::facts().sha256))]);
    let house = House::hashed_by(UploadPolicy::default(), hasher);
    let asset_id = house.uploaded().await.asset_id;
    let first = house.register(plain(asset_id)).await;
    assert!(
        matches!(
            first,
            Err(RegisterError::Storage(StorageError::Unavailable(_)))
        ),
        "{first:?}"
    );
    let second = house.register(plain(asset_id)).await;
    assert!(
        matches!(
            second,
            Err(RegisterError::Catalog(CatalogError::Unavailable(_)))
        ),
        "{second:?}"
    );
    house.assert_pending(asset_id).await;
    assert!(house.register(plain(asset_id)).await.unwrap().created);
}
