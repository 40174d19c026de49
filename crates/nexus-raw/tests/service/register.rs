use std::collections::BTreeMap;

use nexus_raw::{
    asset::{
        ByteSize, CapturedAt, ContentType, Filename, Integrity, IntegrityLevel, PiiFlag, PiiFlags,
        Provenance, RawAsset, RawAssetParts, Sha256Digest,
    },
    event::{EventBody, EventType, RequestContext, RequestId, TraceId},
    ports::CatalogError,
    service::{RegisterError, RegisterRequest, Registered, RestatedFacts},
    tenancy::{Principal, Role, UserId, WriteAccess},
};
use nexus_raw_testkit::sample;

use crate::house::{House, plain, stating};

#[tokio::test]
async fn a_registration_writes_the_record_and_its_event() {
    let house = House::new();
    house.store.set_versioned(true);
    let presigned = house.uploaded().await;
    house.clock.set(sample::seconds_after(60));
    let stored = house.store.object(&presigned.address).unwrap();
    let expected = RawAsset::from_parts(RawAssetParts {
        asset_id: presigned.asset_id,
        scope: house.scope.clone(),
        address: presigned.address.clone(),
        facts: sample::facts(),
        provenance: sample::provenance(),
        imported_at: sample::seconds_after(60),
        registered_by: sample::user(),
        integrity: Integrity {
            level: IntegrityLevel::S3Sha256,
            version_id: Some("version-1".to_owned()),
            etag: stored.etag,
            parts: None,
        },
    });
    let request = stating(presigned.asset_id, sample::provenance());
    let registered = house.register(request).await.unwrap();
    assert_eq!(
        registered,
        Registered {
            asset: expected.clone(),
            created: true
        }
    );
    let events = house.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].sequence, 2);
    assert_eq!(
        events[1].body,
        EventBody::registered(&expected, &house.context)
    );
    assert_eq!(events[1].body.event_type, EventType::RawAssetRegistered);
}

#[tokio::test]
async fn the_record_and_its_event_name_who_registered_not_who_presigned() {
    let house = House::new();
    let asset_id = house.uploaded().await.asset_id;
    let access = another_admin(&house);
    let registered = house
        .service
        .register(&access, &house.context, plain(asset_id))
        .await;
    let asset = registered.unwrap().asset;
    assert_eq!(asset.registered_by().as_str(), "u_other");
    let users = house.events().into_iter().map(|event| event.body.user_id);
    assert_eq!(
        users.collect::<Vec<_>>(),
        [&sample::user(), access.user()].map(Clone::clone)
    );
}

/// Returns another user's permission to write in the house's scope.
fn another_admin(house: &House) -> WriteAccess {
    let memberships = BTreeMap::from([(house.scope.tenant.clone(), Some(Role::Admin))]);
    let other = Principal::from_verified(UserId::parse("u_other").unwrap(), memberships);
    other.authorize_write(&house.scope).unwrap()
}

#[tokio::test]
async fn an_identical_repeat_by_any_user_in_any_spelling_gives_the_same_record() {
    let house = House::new();
    let flags = |flags: &[PiiFlag]| PiiFlags::parse(flags.to_vec()).unwrap();
    let captured = |text| Some(CapturedAt::parse(text).unwrap());
    let first = Provenance {
        captured_at: captured("2008-10-22T18:28:39+02:00"),
        pii_flags: flags(&[PiiFlag::Face, PiiFlag::Name]),
        ..sample::provenance()
    };
    let asset = house.registered(first.clone()).await;
    house.clock.set(sample::seconds_after(3600));

    let context = RequestContext {
        trace_id: TraceId::from_bytes([1; 16]).unwrap(),
        request_id: RequestId::parse("another").unwrap(),
    };
    let repeat = RegisterRequest::new(asset.asset_id())
        .with_restated(RestatedFacts {
            size_bytes: Some(sample::facts().size_bytes),
            ..RestatedFacts::default()
        })
        .with_provenance(Provenance {
            captured_at: captured("2008-10-22T16:28:39Z"),
            pii_flags: flags(&[PiiFlag::Name, PiiFlag::Face]),
            ..first
        });
    let access = another_admin(&house);
    let repeated = house.service.register(&access, &context, repeat).await;
    assert_eq!(
        repeated.unwrap(),
        Registered {
            asset,
            created: false
        }
    );
    assert_eq!(house.events().len(), 2);
}

#[tokio::test]
async fn other_provenance_is_refused_with_the_existing_record() {
    let house = House::new();
    let asset = house.registered(sample::provenance()).await;
    let refused = house.register(plain(asset.asset_id())).await;
    let Err(RegisterError::ProvenanceDiffers { asset: standing }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(*standing, asset);
    assert_eq!(house.events().len(), 2);
}

#[tokio::test]
async fn facts_may_be_restated_as_they_were_promised() {
    let house = House::new();
    let facts = sample::facts();
    let request = plain(house.uploaded().await.asset_id).with_restated(RestatedFacts {
        filename: Some(facts.filename),
        content_type: Some(facts.content_type),
        size_bytes: Some(facts.size_bytes),
        sha256: Some(facts.sha256),
    });
    assert!(house.register(request).await.unwrap().created);
}

#[tokio::test]
async fn every_restated_fact_that_differs_is_named() {
    let house = House::new();
    let asset_id = house.uploaded().await.asset_id;
    let filename = Some(Filename::parse("other.jpg").unwrap());
    let content_type = Some(ContentType::parse("image/JPEG").unwrap());
    let size_bytes = Some(ByteSize::parse(1).unwrap());
    let sha256 = Some(Sha256Digest::of(b"other"));
    let none = RestatedFacts::default();
    for (restated, named) in [
        (
            RestatedFacts {
                filename: filename.clone(),
                ..none.clone()
            },
            vec!["filename"],
        ),
        (
            RestatedFacts {
                content_type: content_type.clone(),
                ..none.clone()
            },
            vec!["content_type"],
        ),
        (
            RestatedFacts {
                size_bytes,
                ..none.clone()
            },
            vec!["size_bytes"],
        ),
        (
            RestatedFacts {
                sha256,
                ..none.clone()
            },
            vec!["sha256"],
        ),
        (
            RestatedFacts {
                filename,
                content_type,
                size_bytes,
                sha256,
            },
            vec!["filename", "content_type", "size_bytes", "sha256"],
        ),
    ] {
        let request = plain(asset_id).with_restated(restated);
        let refused = house.register(request).await;
        let Err(RegisterError::RestatedDiffers { fields }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(fields, named);
    }
    house.assert_pending(asset_id).await;
}

#[tokio::test]
async fn a_capture_may_be_five_minutes_ahead_of_the_service_and_no_more() {
    let house = House::new();
    let captured = |text| Provenance {
        captured_at: Some(CapturedAt::parse(text).unwrap()),
        ..Provenance::default()
    };
    let asset_id = house.uploaded().await.asset_id;
    let ahead = stating(asset_id, captured("2026-11-24T01:05:00.000001Z"));
    let refused = house.register(ahead).await;
    assert!(
        matches!(refused, Err(RegisterError::CapturedInFuture)),
        "{refused:?}"
    );
    house.assert_pending(asset_id).await;
    let just = stating(asset_id, captured("2026-11-24T03:05:00+02:00"));
    assert!(house.register(just).await.unwrap().created);
}

#[tokio::test]
async fn an_asset_of_another_scope_is_not_found_to_register() {
    let house = House::new();
    let asset_id = house.uploaded().await.asset_id;
    for (tenant, environment) in [("t_a", "prod"), ("t_ab", "dev")] {
        let stranger = house.seen_from(tenant, environment);
        let refused = stranger.register(plain(asset_id)).await;
        assert!(
            matches!(refused, Err(RegisterError::AssetNotFound)),
            "{refused:?}"
        );
        assert_eq!(stranger.events(), []);
    }
    house.assert_pending(asset_id).await;
}

#[tokio::test]
async fn parents_must_be_registered_in_the_same_scope() {
    let house = House::new();
    let known = house.registered(Provenance::default()).await;
    let foreign = house
        .seen_from("t_ab", "dev")
        .registered(Provenance::default())
        .await;
    let pending = house.presign().await.asset_id;
    let asset_id = house.uploaded().await.asset_id;
    let [known, foreign] = [known, foreign].map(|asset| asset.asset_id());
    let parents = [foreign, known, pending, asset_id];
    let refused = house
        .register(stating(asset_id, sample::derived_from(&parents)))
        .await;
    let Err(RegisterError::UnknownParents { positions }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(positions, [0, 2, 3]);
    house.assert_pending(asset_id).await;
    let child = stating(asset_id, sample::derived_from(&[known]));
    assert!(house.register(child).await.unwrap().created);
}

#[tokio::test]
async fn after_a_lost_response_the_same_call_returns_the_record() {
    let house = House::new();
    let asset_id = house.uploaded().await.asset_id;
    house.catalog.lose_next_answer();
    let lost = house.register(plain(asset_id)).await;
    assert!(
        matches!(
            lost,
            Err(RegisterError::Catalog(CatalogError::Unavailable(_)))
        ),
        "{lost:?}"
    );
    let again = house.register(plain(asset_id)).await.unwrap();
    assert!(!again.created);
    assert_eq!(house.events().len(), 2);
}
