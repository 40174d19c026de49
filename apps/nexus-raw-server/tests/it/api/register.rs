use futures_util::future::join_all;
use nexus_raw::asset::Sha256Digest;
use nexus_raw_testkit::sample;
use serde_json::{Value, json};

use super::support::{House, TRACE_ID};

const ABSENT: &str = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

#[actix_web::test]
async fn what_was_uploaded_is_registered_with_what_is_said_of_it() {
    let house = House::open();
    let asset_id = house.presigned_and_uploaded().await;
    let body = json!({
        "asset_id": asset_id,
        "filename": "DSCN0010.jpg",
        "content_type": "image/jpeg",
        "size_bytes": 22,
        "sha256": sample::facts().sha256,
        "captured_at": "2008-10-22T18:28:39+02:00",
        "capture_location": {"latitude": 43.467_448, "longitude": 11.885_127, "altitude_m": null},
        "lineage": {"source_uri": "https://photos.example/DSCN0010.jpg", "activity": null},
        "pii_flags": ["location", "face"],
        "train_ok": true,
        "labels": {"camera": "COOLPIX P6000"},
    });
    let answer = house.register(&body).send().await;
    assert_eq!(
        answer.whole(),
        (
            201,
            json!({
                "asset_id": asset_id,
                "tenant_id": "t_demo",
                "env": "dev",
                "uri": format!("s3://nexus-raw-test/tenants/t_demo/dev/raw/{asset_id}/DSCN0010.jpg"),
                "filename": "DSCN0010.jpg",
                "sha256": sample::facts().sha256,
                "size_bytes": 22,
                "content_type": "image/jpeg",
                "captured_at": "2008-10-22T16:28:39Z",
                "imported_at": "2026-11-24T01:00:00Z",
                "capture_location": {
                    "latitude": 43.467_448, "longitude": 11.885_127, "altitude_m": null, "accuracy_m": null,
                },
                "lineage": {
                    "derived_from": [],
                    "source_uri": "https://photos.example/DSCN0010.jpg",
                    "activity": null,
                },
                "pii_flags": ["location", "face"],
                "train_ok": true,
                "labels": {"camera": "COOLPIX P6000"},
                "registered_by": "u_demo",
                "integrity": {
                    "level": "s3_sha256",
                    "version_id": null,
                    "etag": "5d41402abc4b2a76b9719d911017c592",
                },
            })
        )
    );
    let location = format!("/nexus/raw/{asset_id}");
    assert_eq!(answer.header("location"), Some(&*location));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[actix_web::test]
async fn a_repeat_that_means_the_same_gets_the_same_bytes() {
    let house = House::open();
    let asset_id = house.presigned_and_uploaded().await;
    let body = |captured_at: &str, flags: &[&str], location: Value| {
        json!({
            "asset_id": asset_id, "captured_at": captured_at, "pii_flags": flags,
            "capture_location": location,
        })
    };
    let place = json!({"latitude": 1, "longitude": -0.0});
    let first = body("2008-10-22T18:28:39+02:00", &["face", "name"], place);
    let first = house.register(&first).send().await;
    assert_eq!(first.status, 201);
    let place = json!({"accuracy_m": null, "longitude": 0, "latitude": 1.0});
    let again = body("2008-10-22T16:28:39.000Z", &["name", "face"], place);
    let again = house
        .register(&again)
        .with("x-request-id", "another")
        .send()
        .await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.header("location"), None);
    assert_eq!(house.events(), 2);
}

#[actix_web::test]
async fn of_a_hundred_callers_at_once_one_registers_and_all_get_the_same_bytes() {
    let house = House::open();
    let asset_id = house.presigned_and_uploaded().await;
    let request = house.register(&json!({"asset_id": asset_id, "train_ok": true}));
    let answers = join_all((0..100).map(|_| request.clone().send())).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[98], statuses[99]), (200, 201));
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(house.events(), 2);
}

#[actix_web::test]
async fn another_provenance_is_a_conflict_with_the_existing_record() {
    let house = House::open();
    let (asset_id, _) = house.registered().await;
    let body = json!({"asset_id": asset_id, "train_ok": true});
    let answer = house.register(&body).send().await;
    assert_eq!(
        answer.whole(),
        (
            409,
            json!({
                "type": "urn:nexus-raw:problem:asset-conflict",
                "title": "Asset conflict",
                "status": 409,
                "detail": "the asset was registered before, with other provenance",
                "instance": "/nexus/raw/register",
                "code": "asset-conflict",
                "trace_id": TRACE_ID,
            })
        )
    );
    let location = format!("/nexus/raw/{asset_id}");
    assert_eq!(answer.header("location"), Some(&*location));
}

#[actix_web::test]
async fn restated_facts_that_differ_are_a_conflict_before_and_after_registration() {
    let house = House::open();
    let asset_id = house.presigned_and_uploaded().await;
    let other = [
        ("filename", json!("other.jpg")),
        ("content_type", json!("image/JPEG")),
        ("size_bytes", json!(23)),
        ("sha256", json!(Sha256Digest::of(b"other"))),
    ];
    let conflict = (409, "asset-conflict".to_owned(), vec![]);
    for (field, value) in &other {
        let answer = house
            .register(&json!({"asset_id": asset_id, *field: value}))
            .send()
            .await;
        assert_eq!(answer.problem(), conflict, "{field}");
    }
    assert_eq!(
        house
            .register(&json!({"asset_id": asset_id}))
            .send()
            .await
            .status,
        201
    );
    for (field, value) in &other {
        let answer = house
            .register(&json!({"asset_id": asset_id, *field: value}))
            .send()
            .await;
        assert_eq!(answer.problem(), conflict, "{field}");
    }
}

#[actix_web::test]
async fn every_fault_of_a_statement_is_named_at_once() {
    let house = House::open();
    let asset_id = house.presigned_and_uploaded().await;
    let body = json!({
        "asset_id": asset_id.to_uppercase(),
        "size_bytes": null,
        "captured_at": "2026-11-24T01:05:00.000001Z",
        "capture_location": {"latitude": 90.1, "altitude_m": "high", "accuracy_m": -1, "datum": "WGS 84"},
        "lineage": {"derived_from": [asset_id, "x", asset_id], "source_uri": "not a uri", "activity": "a\u{0}"},
        "pii_flags": ["face", "face", "shoe", 1],
        "train_ok": "yes",
        "labels": {"A/b": "c", "d": 1, "e": "f\u{0}"},
        "bucket": "b",
    });
    let (status, _, pointers) = house.register(&body).send().await.problem();
    assert_eq!(status, 422);
    assert_eq!(
        pointers,
        [
            "/asset_id",
            "/size_bytes",
            "/captured_at",
            "/capture_location/latitude",
            "/capture_location/longitude",
            "/capture_location/altitude_m",
            "/capture_location/accuracy_m",
            "/capture_location/datum",
            "/lineage/derived_from/1",
            "/lineage/derived_from/2",
            "/lineage/source_uri",
            "/lineage/activity",
            "/pii_flags/1",
            "/pii_flags/2",
            "/pii_flags/3",
            "/train_ok",
            "/labels/A~1b",
            "/labels/d",
            "/labels/e",
            "/bucket",
        ]
    );
    assert_eq!(house.events(), 1);
}

#[actix_web::test]
async fn null_means_absent_where_it_may_and_is_refused_elsewhere() {
    let house = House::open();
    let asset_id = house.presigned_and_uploaded().await;
    for field in [
        "filename",
        "content_type",
        "size_bytes",
        "sha256",
        "lineage",
        "pii_flags",
        "train_ok",
        "labels",
    ] {
        let answer = house
            .register(&json!({"asset_id": asset_id, field: null}))
            .send()
            .await;
        let pointers = vec![format!("/{field}")];
        assert_eq!(
            answer.problem(),
            (422, "validation-failed".to_owned(), pointers),
            "{field}"
        );
    }
    let body = json!({
        "asset_id": asset_id,
        "captured_at": null,
        "capture_location": null,
        "lineage": {"source_uri": null, "activity": null},
    });
    let answer = house.register(&body).send().await;
    assert_eq!(answer.status, 201);
    let again = house.register(&json!({"asset_id": asset_id})).send().await;
    assert_eq!((again.status, again.body), (200, answer.body));
}

#[actix_web::test]
async fn a_parent_that_is_absent_pending_or_foreign_gets_the_same_answer() {
    let house = House::open();
    let pending = house.presigned().await;
    let foreign = house
        .presign(&super::support::presign_body())
        .with("x-env", "prod");
    let foreign = foreign.send().await.json()["asset_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (parent, _) = house.registered().await;
    let child = house.presigned_and_uploaded().await;
    let mut bodies = Vec::new();
    for unknown in [ABSENT, &pending, &foreign] {
        let body = json!({"asset_id": child, "lineage": {"derived_from": [parent, unknown]}});
        let answer = house.register(&body).send().await;
        let pointers = vec!["/lineage/derived_from/1".to_owned()];
        assert_eq!(
            answer.problem(),
            (422, "validation-failed".to_owned(), pointers)
        );
        bodies.push(answer.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    let body = json!({"asset_id": child, "lineage": {"derived_from": [parent]}});
    let answer = house.register(&body).send().await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["lineage"]["derived_from"], json!([parent]));
}
