//! What a registration comes to by what the store holds, and by when.

use std::sync::Arc;

use nexus_raw::ports::{HashOutcome, MockObjectWorker, WorkProgress};
use serde_json::{Value, json};

use nexus_raw_testkit::sample;

use super::{
    support::{House, Parts, TRACE_ID, uploaded},
    trouble::Lines,
};

const ABSENT: &str = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

#[actix_web::test]
async fn what_is_not_what_was_promised_is_named() {
    let lines = Lines::default();
    let house = House::open_with(Parts {
        log: lines.logger(),
        ..Parts::default()
    });
    let asset_id = house.presigned().await;
    let request = house.register(&json!({"asset_id": asset_id}));
    let nothing = request.clone().send().await;
    assert_eq!(
        nothing.problem(),
        (409, "object-not-uploaded".to_owned(), vec![])
    );

    let mut object = uploaded(&asset_id);
    object.size_bytes = 23;
    object.sha256 = None;
    object.content_type = Some("image/png".to_owned());
    object
        .user_metadata
        .insert("owner".to_owned(), "me".to_owned());
    object.foreign_headers = vec!["content-encoding"];
    house.place(&asset_id, object);
    let (status, body) = request.clone().send().await.whole();
    assert_eq!((status, &body["code"]), (422, &json!("object-mismatch")));
    assert_eq!(
        body["errors"],
        json!([
            {"pointer": "/size_bytes", "detail": "the object has another length"},
            {"pointer": "/sha256", "detail": "the object has another SHA-256, or none"},
            {"pointer": "/content_type", "detail": "the object has another media type"},
            {"pointer": "", "detail": "the object has other user metadata"},
            {"pointer": "", "detail": "the object carries the header `content-encoding`"},
        ])
    );
    assert_eq!(house.events(), 1);
    // the caller's detail is one text, and the log says which facts
    assert_eq!(body["detail"], "what was uploaded is not what was promised");
    let text = lines.text();
    let line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(
        line["error"],
        "no asset was registered: what was uploaded is not what was promised: size_bytes, \
         sha256, content_type, user metadata, header content-encoding"
    );
}

#[actix_web::test]
async fn while_the_service_still_reads_the_object_the_response_has_retry_after() {
    let mut worker = MockObjectWorker::new();
    let mut answers = [
        WorkProgress::Pending,
        WorkProgress::Done(HashOutcome::Hashed(sample::facts().sha256)),
    ]
    .into_iter();
    worker
        .expect_digest()
        .times(2)
        .returning(move |_, _| Ok(answers.next().unwrap()));
    let house = House::open_with(Parts {
        worker: Some(Arc::new(worker)),
        ..Parts::default()
    });
    let asset_id = house.presigned_and_uploaded().await;
    let request = house.register(&json!({"asset_id": asset_id}));
    let pending = request.clone().send().await;
    assert_eq!(pending.header("retry-after"), Some("1"));
    assert_eq!(
        pending.whole(),
        (
            409,
            json!({
                "type": "urn:nexus-raw:problem:verification-pending",
                "title": "Verification pending",
                "status": 409,
                "detail": "the service still reads the object to verify it; register again later",
                "instance": "/nexus/raw/register",
                "code": "verification-pending",
                "trace_id": TRACE_ID,
            })
        )
    );
    assert_eq!(house.events(), 1);
    let (status, record) = request.send().await.whole();
    assert_eq!(
        (status, &record["integrity"]["level"]),
        (201, &json!("stream_sha256"))
    );
}

#[actix_web::test]
async fn an_intent_ends_unless_its_object_came_in_time() {
    let house = House::open();
    let (late, never) = (
        house.presigned_and_uploaded().await,
        house.presigned().await,
    );
    house.clock.set(sample::seconds_after(86_400));
    let answer = house.register(&json!({"asset_id": never})).send().await;
    assert_eq!(answer.problem(), (410, "upload-expired".to_owned(), vec![]));
    assert_eq!(
        house
            .register(&json!({"asset_id": late}))
            .send()
            .await
            .status,
        201
    );
}

#[actix_web::test]
async fn an_intent_of_another_scope_is_none() {
    let house = House::open();
    let asset_id = house.presigned_and_uploaded().await;
    let request = house.register(&json!({"asset_id": asset_id}));
    let absent = house.register(&json!({"asset_id": ABSENT})).send().await;
    assert_eq!(
        absent.problem(),
        (404, "asset-not-found".to_owned(), vec![])
    );
    let other_env = request.clone().with("x-env", "prod").send().await;
    let other_tenant = request
        .with("authorization", "Bearer stranger")
        .with("x-tenant-id", "t_other");
    let other_tenant = other_tenant.send().await;
    for foreign in [other_env, other_tenant] {
        assert_eq!(foreign.body, absent.body);
        assert_eq!(foreign.steady_headers(), absent.steady_headers());
    }
}

#[actix_web::test]
async fn a_store_that_gives_no_answer_proves_nothing() {
    let house = House::open();
    let asset_id = house.presigned_and_uploaded().await;
    let request = house.register(&json!({"asset_id": asset_id}));
    house.store.set_available(false);
    let answer = request.clone().send().await;
    assert_eq!(
        answer.problem(),
        (503, "storage-unavailable".to_owned(), vec![])
    );
    assert_eq!(house.events(), 1);
    house.store.set_available(true);
    house.catalog.lose_next_answer();
    let answer = request.clone().send().await;
    assert_eq!(
        answer.problem(),
        (503, "catalog-unavailable".to_owned(), vec![])
    );
    // it was committed: a repeat of the call returns the record
    assert_eq!(request.send().await.status, 200);
    assert_eq!(house.events(), 2);
}
