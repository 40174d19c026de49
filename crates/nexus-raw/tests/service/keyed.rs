//! Presigning under a caller's key: keys in use, and changes between a lookup and a write.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use nexus_raw::{
    asset::{Provenance, Sha256Digest, UploadIntent},
    event::EventBody,
    ports::{
        CatalogError, IdempotencyKey, IntentState, KeyedOutcome, MockAssetCatalog,
        RawStorageRepository, RepeatOutcome, StandingKey,
    },
    service::{
        IfRegistered, PresignError, PresignRequest, Presigned, PresignedAsset, RawStorageService,
    },
};
use nexus_raw_testkit::{
    FakeStore, FixedClock, PutOutcome, SequentialIds, StoreCalls, sample, steps,
};

use crate::house::{House, plain, single};

fn request() -> PresignRequest {
    let facts = sample::facts();
    PresignRequest::new(facts)
}

impl House {
    async fn presign_keyed(&self, key: &str) -> Result<PresignedAsset, PresignError> {
        let key = IdempotencyKey::parse(key).unwrap();
        self.service
            .presign_upload(
                &self.access,
                &self.context,
                request().with_idempotency_key(key),
            )
            .await
            .map(|presigned| presigned.into_upload().unwrap())
    }
}

#[tokio::test]
async fn a_key_is_written_with_the_intent_and_each_url_is_an_event_of_its_moment() {
    let house = House::new();
    let first = house.presign_keyed("k").await.unwrap();
    house.clock.advance(Duration::from_secs(30));
    let again = house.presign_keyed("k").await.unwrap();
    assert_eq!(
        (again.asset_id, &again.address),
        (first.asset_id, &first.address)
    );
    assert_ne!(again.upload, first.upload);
    let intent = UploadIntent {
        asset_id: first.asset_id,
        address: first.address,
        ..sample::intent(&house.scope, first.asset_id)
    };
    assert_eq!(
        house.state(first.asset_id).await,
        Some(IntentState::Pending(intent.clone()))
    );
    let event = |seconds| {
        let at = sample::seconds_after(seconds);
        EventBody::presigned(&intent, &sample::user(), &house.context, at)
    };
    let events = house.events().into_iter();
    let bodies: Vec<_> = events.map(|it| (it.sequence, it.body)).collect();
    assert_eq!(bodies, [(1, event(0)), (2, event(30))]);
}

#[tokio::test]
async fn either_url_uploads_the_one_asset_and_then_its_key_leads_to_it() {
    let house = House::new();
    let first = house.presign_keyed("k").await.unwrap();
    house.clock.advance(Duration::from_secs(1));
    let again = house.presign_keyed("k").await.unwrap();
    assert_ne!(first.upload, again.upload);
    house.store.upload(single(&again), sample::CONTENT);
    let late = house.store.upload(single(&first), sample::CONTENT);
    assert_eq!(late, PutOutcome::PreconditionFailed);
    house.register(plain(first.asset_id)).await.unwrap();
    let refused = house.presign_keyed("k").await;
    assert!(
        matches!(refused, Err(PresignError::KeyRegistered { asset_id }) if asset_id == first.asset_id),
        "{refused:?}"
    );
    assert_eq!(house.events().len(), 3);
}

#[tokio::test]
async fn a_caller_that_goes_away_at_any_step_finds_its_asset_again() {
    for steps in 0..6 {
        let house = House::new();
        {
            let mut call = pin!(house.presign_keyed("k"));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..steps {
                if let Poll::Ready(done) = call.as_mut().poll(&mut context) {
                    done.unwrap();
                    break;
                }
            }
        }
        let written = house.events();
        let found = house.presign_keyed("k").await.unwrap();
        let events = house.events();
        assert_eq!(events.len(), written.len() + 1, "after {steps} steps");
        for event in events {
            assert_eq!(event.body.asset_id, found.asset_id, "after {steps} steps");
        }
    }
}

/// A service over a scripted catalogue, and how often its store signed.
struct Scripted {
    service: RawStorageService,
    store: Arc<FakeStore>,
}

impl Scripted {
    fn by(catalog: MockAssetCatalog) -> Self {
        let clock = Arc::new(FixedClock::at(sample::now()));
        let store = Arc::new(FakeStore::new(sample::bucket(), clock.clone()));
        let service = RawStorageService::new(
            Arc::clone(&store) as Arc<dyn RawStorageRepository>,
            Arc::new(catalog),
            clock,
            Arc::new(SequentialIds::seeded(1)),
        );
        Self { service, store }
    }

    async fn presign(&self) -> Result<PresignedAsset, PresignError> {
        let access = sample::access(&sample::scope("t_a", "dev"));
        let key = IdempotencyKey::parse("k").unwrap();
        self.service
            .presign_upload(
                &access,
                &sample::context(),
                request().with_idempotency_key(key),
            )
            .await
            .map(|presigned| presigned.into_upload().unwrap())
    }
}

fn intent() -> UploadIntent {
    sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(9))
}

fn pending() -> StandingKey {
    StandingKey {
        body_digest: request().digest(),
        state: IntentState::Pending(intent()),
    }
}

fn registered() -> StandingKey {
    let new = sample::new_asset(&intent(), Provenance::default());
    StandingKey {
        state: IntentState::Registered {
            intent: intent(),
            asset: Box::new(new.asset),
            provenance_digest: new.provenance_digest,
        },
        ..pending()
    }
}

/// A lookup of the key, and then, where there is one, a write.
enum Step {
    First(KeyedOutcome),
    Again(RepeatOutcome),
    Registered,
}

/// A catalogue for exactly these calls, in their order.
fn catalog(steps: impl IntoIterator<Item = Step>) -> MockAssetCatalog {
    let mut catalog = MockAssetCatalog::new();
    for step in steps {
        let standing = match step {
            Step::First(_) => None,
            Step::Again(_) => Some(pending()),
            Step::Registered => Some(registered()),
        };
        catalog
            .expect_find_key()
            .times(1)
            .returning(move |_, _| Ok(standing.clone()));
        match step {
            Step::First(outcome) => {
                catalog
                    .expect_record_keyed_intent()
                    .times(1)
                    .returning(move |_| Ok(outcome));
            }
            Step::Again(outcome) => {
                catalog
                    .expect_record_repeated_presign()
                    .withf(|event| event.asset_id == intent().asset_id)
                    .times(1)
                    .returning(move |_| Ok(outcome));
            }
            Step::Registered => {}
        }
    }
    catalog
}

#[tokio::test]
async fn who_loses_the_race_for_a_key_gets_a_url_of_the_winner() {
    let scripted = Scripted::by(catalog([
        Step::First(KeyedOutcome::KeyStands),
        Step::Again(RepeatOutcome::Recorded),
    ]));
    let presigned = scripted.presign().await.unwrap();
    assert_eq!(presigned.asset_id, intent().asset_id);
}

#[tokio::test]
async fn an_asset_that_is_registered_meanwhile_gives_no_more_urls() {
    let scripted = Scripted::by(catalog([
        Step::First(KeyedOutcome::KeyStands),
        Step::Again(RepeatOutcome::NotPending),
        Step::Registered,
    ]));
    let refused = scripted.presign().await;
    assert!(
        matches!(refused, Err(PresignError::KeyRegistered { asset_id }) if asset_id == intent().asset_id),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_upload_that_was_presigned_as_often_as_it_may_be_waits_for_its_intents_end() {
    let scripted = Scripted::by(catalog([Step::Again(RepeatOutcome::Exhausted)]));
    let refused = scripted.presign().await;
    let Err(PresignError::PresignsExhausted { retry_after }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(retry_after, intent().ends_at.since(sample::now()));
}

#[tokio::test]
async fn a_key_that_never_settles_is_given_up() {
    let scripted = Scripted::by(catalog(
        [(); 4].map(|()| Step::Again(RepeatOutcome::NotPending)),
    ));
    let refused = scripted.presign().await;
    let Err(PresignError::Catalog(CatalogError::Unavailable(reason))) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        reason.to_string(),
        "the state of the idempotency key has changed 4 times in one request"
    );
}

#[tokio::test]
async fn a_key_of_another_request_calls_no_store_and_writes_nothing() {
    for (standing, reused) in [
        (
            StandingKey {
                body_digest: Sha256Digest::of(b"another request"),
                ..pending()
            },
            true,
        ),
        (
            StandingKey {
                body_digest: Sha256Digest::of(b"another request"),
                ..registered()
            },
            true,
        ),
        (registered(), false),
    ] {
        let mut catalog = MockAssetCatalog::new();
        catalog
            .expect_find_key()
            .times(1)
            .returning(move |_, _| Ok(Some(standing.clone())));
        let scripted = Scripted::by(catalog);
        let refused = scripted.presign().await;
        assert_eq!(
            matches!(refused, Err(PresignError::KeyReused)),
            reused,
            "{refused:?}"
        );
        assert!(refused.is_err());
        assert_eq!(scripted.store.calls(), StoreCalls::default());
    }
}

/// The order of the contract: a reused key, then the registered asset, then the key's intent.
#[tokio::test]
async fn a_registered_copy_takes_no_key_and_comes_before_the_intent_of_the_key() {
    let house = House::new();
    let key = IdempotencyKey::parse("k").unwrap();
    let returning = || {
        request()
            .with_if_registered(IfRegistered::Return)
            .with_idempotency_key(key)
    };
    let presign = async |request| {
        let presigned = house
            .service
            .presign_upload(&house.access, &house.context, request)
            .await;
        presigned.map(|presigned| match presigned {
            Presigned::Registered(asset) => asset.asset_id(),
            Presigned::Upload(upload) => upload.asset_id,
        })
    };
    let first = presign(returning()).await.unwrap();
    assert_eq!(presign(returning()).await.unwrap(), first, "still pending");
    let copy = sample::asset_id(77);
    let intent = sample::intent_of(&house.scope, copy, request().facts);
    steps::presign_and_register(&house.catalog, &intent, Provenance::default()).await;
    let events = house.events().len();
    assert_eq!(presign(returning()).await.unwrap(), copy);
    let reused = presign(request().with_idempotency_key(key)).await;
    assert!(matches!(reused, Err(PresignError::KeyReused)), "{reused:?}");
    let other = IdempotencyKey::parse("free").unwrap();
    let free = || returning().with_idempotency_key(other);
    assert_eq!(presign(free()).await.unwrap(), copy);
    assert_eq!(house.events().len(), events);
    // the key is still free for another body
    let created = presign(request().with_idempotency_key(other)).await;
    assert_ne!(created.unwrap(), copy);
}
