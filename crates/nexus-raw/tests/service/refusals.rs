//! What a refused call leaves alone, seen by mocks that fail the test when they are called.

use std::sync::Arc;

use nexus_raw::{
    asset::{AssetId, ByteSize, CapturedAt, Provenance},
    ports::{
        BoxError, CatalogError, IntentState, MockAssetCatalog, MockAssetIds,
        MockRawStorageRepository, RegisterOutcome, StorageError, StoreCapabilities, StoredObject,
    },
    service::{
        PresignError, PresignRequest, RawStorageService, RegisterError, RegisterRequest,
        Registered, RestatedFacts,
    },
};
use nexus_raw_testkit::{FixedClock, SequentialIds, sample};

use crate::house::{plain, stating};

/// Why a mock does not answer.
fn outage() -> BoxError {
    "forced by the test".into()
}

fn service(store: MockRawStorageRepository, catalog: MockAssetCatalog) -> RawStorageService {
    RawStorageService::new(
        Arc::new(store),
        Arc::new(catalog),
        Arc::new(FixedClock::at(sample::now())),
        Arc::new(SequentialIds::seeded(1)),
    )
}

/// A store without any call, not even for its capabilities.
fn untouched_store() -> MockRawStorageRepository {
    let mut store = MockRawStorageRepository::new();
    store.expect_capabilities().times(0);
    store.expect_presign_upload().times(0);
    store.expect_stat().times(0);
    store.expect_ready().times(0);
    store
}

/// A store that holds this at every key.
fn store_with(object: Option<StoredObject>) -> MockRawStorageRepository {
    let mut store = MockRawStorageRepository::new();
    store.expect_capabilities().return_const(StoreCapabilities {
        enforces_sha256: true,
        keeps_octet_stream: true,
        honours_response_headers: true,
        proves_parts: true,
    });
    store
        .expect_stat()
        .times(1)
        .returning(move |_| Ok(object.clone()));
    store
}

/// A catalogue that holds this of every asset, and is not written to.
fn catalog_with(state: Option<IntentState>) -> MockAssetCatalog {
    let mut catalog = MockAssetCatalog::new();
    catalog
        .expect_find_intent()
        .times(1)
        .returning(move |_, _| Ok(state.clone()));
    catalog.expect_record_intent().times(0);
    catalog.expect_register().times(0);
    catalog
}

fn id() -> AssetId {
    sample::asset_id(1)
}

fn pending() -> IntentState {
    let intent = sample::intent(&sample::scope("t_a", "dev"), id());
    IntentState::Pending(intent)
}

fn registered() -> IntentState {
    let intent = sample::intent(&sample::scope("t_a", "dev"), id());
    let new = sample::new_asset(&intent, Provenance::default());
    IntentState::Registered {
        intent,
        asset: Box::new(new.asset),
        provenance_digest: new.provenance_digest,
    }
}

async fn register(
    service: &RawStorageService,
    request: RegisterRequest,
) -> Result<Registered, RegisterError> {
    let access = sample::access(&sample::scope("t_a", "dev"));
    service.register(&access, &sample::context(), request).await
}

async fn presign_error(service: &RawStorageService, bytes: u64) -> PresignError {
    let mut facts = sample::facts();
    facts.size_bytes = ByteSize::parse(bytes).unwrap();
    let access = sample::access(&sample::scope("t_a", "dev"));
    let presigned = service
        .presign_upload(&access, &sample::context(), PresignRequest::new(facts))
        .await;
    presigned.unwrap_err()
}

#[tokio::test]
async fn an_asset_that_is_too_large_takes_no_id_and_calls_no_port() {
    let mut catalog = MockAssetCatalog::new();
    catalog.expect_record_intent().times(0);
    let mut ids = MockAssetIds::new();
    ids.expect_next().times(0);
    let service = RawStorageService::new(
        Arc::new(untouched_store()),
        Arc::new(catalog),
        Arc::new(FixedClock::at(sample::now())),
        Arc::new(ids),
    );
    let error = presign_error(&service, ByteSize::MAX_SINGLE_PUT.get() + 1).await;
    assert!(matches!(error, PresignError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn an_upload_that_cannot_be_signed_is_not_recorded() {
    let mut store = MockRawStorageRepository::new();
    store.expect_bucket().return_const(sample::bucket());
    store
        .expect_presign_upload()
        .times(1)
        .returning(|_| Err(StorageError::Unavailable(outage())));
    let mut catalog = MockAssetCatalog::new();
    catalog.expect_record_intent().times(0);
    let error = presign_error(&service(store, catalog), 1).await;
    assert!(
        matches!(error, PresignError::Storage(StorageError::Unavailable(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_capture_in_the_future_calls_no_port() {
    let mut catalog = MockAssetCatalog::new();
    catalog.expect_find_intent().times(0);
    let provenance = Provenance {
        captured_at: Some(CapturedAt::parse("2027-01-01T00:00:00Z").unwrap()),
        ..Provenance::default()
    };
    let service = service(untouched_store(), catalog);
    let refused = register(&service, stating(id(), provenance)).await;
    assert!(
        matches!(refused, Err(RegisterError::CapturedInFuture)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_unknown_intent_does_not_call_the_store() {
    let service = service(untouched_store(), catalog_with(None));
    let refused = register(&service, plain(id())).await;
    assert!(
        matches!(refused, Err(RegisterError::AssetNotFound)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn facts_that_differ_do_not_call_the_store() {
    for state in [pending(), registered()] {
        let request = plain(id()).with_restated(RestatedFacts {
            size_bytes: Some(ByteSize::parse(1).unwrap()),
            ..RestatedFacts::default()
        });
        let service = service(untouched_store(), catalog_with(Some(state)));
        let refused = register(&service, request).await;
        assert!(
            matches!(refused, Err(RegisterError::RestatedDiffers { .. })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_registered_asset_is_answered_from_the_catalogue_alone() {
    let same = service(untouched_store(), catalog_with(Some(registered())));
    let repeated = register(&same, plain(id())).await.unwrap();
    assert!(!repeated.created);
    let other = service(untouched_store(), catalog_with(Some(registered())));
    let refused = register(&other, stating(id(), sample::provenance())).await;
    assert!(
        matches!(refused, Err(RegisterError::ProvenanceDiffers { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn unknown_parents_do_not_call_the_store() {
    let mut catalog = catalog_with(Some(pending()));
    catalog
        .expect_unknown_parents()
        .times(1)
        .returning(|_, _| Ok(vec![0]));
    let provenance = sample::derived_from(&[sample::asset_id(2)]);
    let service = service(untouched_store(), catalog);
    let refused = register(&service, stating(id(), provenance)).await;
    assert!(
        matches!(&refused, Err(RegisterError::UnknownParents { positions }) if *positions == [0]),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_absent_or_something_else_is_not_written() {
    let service_over = |object| service(store_with(object), catalog_with(Some(pending())));
    let refused = register(&service_over(None), plain(id())).await;
    assert!(
        matches!(refused, Err(RegisterError::ObjectNotUploaded)),
        "{refused:?}"
    );
    let other = StoredObject {
        size_bytes: 1,
        content_type: None,
        sha256: None,
        composite: None,
        etag: "e".to_owned(),
        version_id: None,
        user_metadata: [].into(),
        foreign_headers: Vec::new(),
    };
    let refused = register(&service_over(Some(other)), plain(id())).await;
    assert!(
        matches!(refused, Err(RegisterError::ObjectMismatch { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_called_once_and_nothing_is_written() {
    let mut store = MockRawStorageRepository::new();
    store.expect_capabilities().return_const(StoreCapabilities {
        enforces_sha256: true,
        keeps_octet_stream: true,
        honours_response_headers: true,
        proves_parts: true,
    });
    store
        .expect_stat()
        .times(1)
        .returning(|_| Err(StorageError::Unavailable(outage())));
    let service = service(store, catalog_with(Some(pending())));
    let refused = register(&service, plain(id())).await;
    assert!(
        matches!(
            refused,
            Err(RegisterError::Storage(StorageError::Unavailable(_)))
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_catalogues_outcome_at_the_write_counts() {
    let object = || {
        let intent = sample::intent(&sample::scope("t_a", "dev"), id());
        let metadata = intent.object_metadata();
        StoredObject {
            size_bytes: intent.facts.size_bytes.get(),
            content_type: Some(intent.facts.content_type.to_string()),
            sha256: intent.facts.sha256,
            composite: None,
            etag: "e".to_owned(),
            version_id: None,
            user_metadata: metadata
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            foreign_headers: Vec::new(),
        }
    };
    let answer = async |outcome: Result<RegisterOutcome, CatalogError>| {
        let mut catalog = MockAssetCatalog::new();
        catalog
            .expect_find_intent()
            .returning(|_, _| Ok(Some(pending())));
        let mut outcome = Some(outcome);
        catalog
            .expect_register()
            .times(1)
            .returning(move |_| outcome.take().unwrap());
        let service = service(store_with(Some(object())), catalog);
        register(&service, plain(id())).await
    };
    let gone = answer(Ok(RegisterOutcome::UnknownIntent)).await;
    assert!(
        matches!(gone, Err(RegisterError::AssetNotFound)),
        "{gone:?}"
    );
    let orphaned = answer(Ok(RegisterOutcome::UnknownParents(vec![3]))).await;
    assert!(
        matches!(&orphaned, Err(RegisterError::UnknownParents { positions }) if *positions == [3]),
        "{orphaned:?}"
    );
    let down = answer(Err(CatalogError::Unavailable(outage()))).await;
    assert!(
        matches!(
            down,
            Err(RegisterError::Catalog(CatalogError::Unavailable(_)))
        ),
        "{down:?}"
    );
}
