//! Requests of uploads in parts that are refused.

use std::sync::Arc;

use nexus_raw::{
    asset::{ByteSize, Sha256Digest},
    ports::{MockObjectWorker, WorkProgress},
    service::UploadPolicy,
};
use nexus_raw_testkit::sample;
use serde_json::{Value, json};

use super::{
    parts::{abort, body_in_parts, declare, declared, in_parts, problem, promised, upload},
    support::{House, Parts, Request, presign_body},
    trouble::Lines,
};

#[actix_web::test]
async fn what_a_promise_in_parts_may_not_say_is_named_with_the_other_faults() {
    let house = House::open_with(Parts {
        policy: UploadPolicy::default().with_max_object_bytes(ByteSize::MAX_MULTIPART),
        ..Parts::default()
    });
    let five_gib = 5_368_709_120_u64;
    let missing = ("/sha256", "is required");
    let no_parts = ("/size_bytes", "must be at least 1 for an upload in parts");
    let too_much = ("/multipart", "must be true for more than 5368709120 bytes");
    let name = ("/filename", "must not be `.` or `..`");
    for (said, faults) in [
        (json!({"multipart": false, "size_bytes": 1}), vec![missing]),
        (json!({"size_bytes": 1}), vec![missing]),
        (json!({"multipart": true, "size_bytes": 0}), vec![no_parts]),
        (
            json!({"multipart": true, "size_bytes": 0, "filename": "."}),
            vec![name, no_parts],
        ),
        (
            json!({"multipart": true, "size_bytes": 1, "if_registered": "return"}),
            vec![missing],
        ),
        (json!({"size_bytes": five_gib + 1}), vec![missing, too_much]),
        (json!({"size_bytes": five_gib}), vec![missing]),
        (
            json!({"multipart": 1, "size_bytes": five_gib + 1}),
            vec![("/multipart", "must be true or false")],
        ),
        (
            json!({"multipart": null, "size_bytes": 0}),
            vec![("/multipart", "must be true or false")],
        ),
        (
            json!({"multipart": true, "size_bytes": 1, "sha256": "x"}),
            vec![("/sha256", "must be 64 lower-case hexadecimal digits")],
        ),
        (
            json!({"multipart": true, "size_bytes": 5_497_558_138_881_u64}),
            vec![("/size_bytes", "must be an integer from 0 to 5497558138880")],
        ),
    ] {
        let mut body = json!({"filename": "a"});
        let members = said.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(members);
        let (status, answer) = house.presign(&body).send().await.whole();
        let faults = faults
            .iter()
            .map(|(pointer, detail)| json!({"pointer": pointer, "detail": detail}));
        let faults: Vec<_> = faults.collect();
        assert_eq!((status, &answer["errors"]), (422, &json!(faults)), "{said}");
    }
    assert_eq!(house.events(), 0);
    let largest = json!({"filename": "a", "multipart": true, "size_bytes": 5_497_558_138_880_u64});
    let answer = house.presign(&largest).send().await.json();
    assert_eq!(answer["upload"]["part_size_bytes"], 1_073_741_824);
    assert_eq!(answer["upload"]["part_count"], 5_120);
}

#[actix_web::test]
async fn every_fault_of_a_declaration_is_named_at_once() {
    let house = House::open_with(in_parts());
    let id = promised(&house, &body_in_parts()).await;
    let digest = Sha256Digest::of(b"a");
    let rule = "must be an integer from 1 to 10000";
    let parts = [
        json!({"part_number": 1, "sha256": digest}),
        json!({"part_number": 0, "sha256": "x"}),
        json!({"part_number": 10_001, "sha256": digest}),
        json!({"part_number": 1, "sha256": digest}),
        json!({"part_number": 2}),
        json!({"part_number": "3", "sha256": digest, "etag": "x"}),
        json!(7),
    ];
    let (status, answer) = declare(&house, &id, &parts).send().await.whole();
    let fault = |pointer: &str, detail: &str| json!({"pointer": pointer, "detail": detail});
    let integer = "must be a non-negative integer, without fraction or exponent";
    let expected = json!([
        fault("/parts/1/part_number", rule),
        fault(
            "/parts/1/sha256",
            "must be 64 lower-case hexadecimal digits"
        ),
        fault("/parts/2/part_number", rule),
        fault("/parts/3/part_number", "repeats that of an earlier member"),
        fault("/parts/4/sha256", "is required"),
        fault("/parts/5/part_number", integer),
        fault("/parts/5/etag", "is not a known field"),
        fault("/parts/6", "must be an object"),
    ]);
    assert_eq!((status, &answer["errors"]), (422, &expected));

    let path = format!("/nexus/raw/{id}/parts");
    let request = house.post(&path, &json!({"parts": [declared(1)], "part": 1}));
    let (status, answer) = request.send().await.whole();
    let faults = json!([fault("/part", "is not a known field")]);
    assert_eq!((status, &answer["errors"]), (422, &faults));

    let many: Vec<_> = (1..=1001)
        .map(|number| json!({"part_number": number, "sha256": digest}))
        .collect();
    for parts in [&[], &many[..]] {
        let (status, answer) = declare(&house, &id, parts).send().await.whole();
        let rule = "must be an array of 1 to 1000 items";
        let faults = json!([fault("/parts", rule)]);
        assert_eq!((status, &answer["errors"]), (422, &faults));
    }
    // a thousand are read, and there are three
    let (status, answer) = declare(&house, &id, &many[..1000]).send().await.whole();
    assert_eq!(status, 422);
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 997);
    let outside = fault("/parts/3/part_number", "must be an integer from 1 to 3");
    assert_eq!(errors[0], outside);
    assert_eq!(house.store.open_uploads(), 0);
}

#[actix_web::test]
async fn a_declaration_has_256_kib() {
    let house = House::open_with(in_parts());
    let id = promised(&house, &body_in_parts()).await;
    let mut text = json!({"parts": [declared(1)]}).to_string();
    text.extend(std::iter::repeat_n(' ', 256 * 1024 - text.len()));
    let request = declare(&house, &id, &[]);
    let answer = request.clone().body(&text).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    text.push(' ');
    let answer = request.body(&text).send().await;
    let path = format!("/nexus/raw/{id}/parts");
    let text = "the body must have at most 262144 bytes";
    let facts = (413, "payload-too-large", "Payload too large", text);
    assert_eq!(answer.whole(), problem(&path, facts));
}

#[actix_web::test]
async fn a_part_keeps_the_digest_that_it_was_declared_with() {
    let house = House::open_with(in_parts());
    let id = promised(&house, &body_in_parts()).await;
    upload(&house, &id, &[1, 2]).await;
    let other = |number: u32| json!({"part_number": number, "sha256": Sha256Digest::of(b"x")});
    let parts = [declared(3), other(2), other(1)];
    let answer = declare(&house, &id, &parts).send().await;
    let path = format!("/nexus/raw/{id}/parts");
    let text = "parts were declared with another digest before: 1, 2";
    let facts = (409, "asset-conflict", "Asset conflict", text);
    assert_eq!(answer.whole(), problem(&path, facts));
    // none was declared
    assert_eq!(declare(&house, &id, &[other(3)]).send().await.status, 200);
}

#[actix_web::test]
async fn a_query_of_parts_is_read_whole() {
    let house = House::open_with(in_parts());
    let id = promised(&house, &body_in_parts()).await;
    let path = format!("/nexus/raw/{id}/parts");
    let request = house.get(&format!("{path}?after=10001&limit=0&offset=1"));
    let (status, answer) = request.send().await.whole();
    assert_eq!(status, 422);
    assert_eq!(
        answer["errors"],
        json!([
            {"pointer": "/after", "detail": "must be an integer from 0 to 10000"},
            {"pointer": "/limit", "detail": "must be an integer from 1 to 1000"},
            {"pointer": "/offset", "detail": "is not a known parameter"},
        ])
    );
}

#[actix_web::test]
async fn another_tenant_environment_or_role_has_no_part_in_it() {
    let house = House::open_with(in_parts());
    let id = promised(&house, &body_in_parts()).await;
    upload(&house, &id, &[1]).await;
    let path = format!("/nexus/raw/{id}/parts");
    let requests = || {
        [
            declare(&house, &id, &[declared(2)]),
            abort(&house, &id),
            house.get(&path),
        ]
    };
    let of = |request: Request, tenant: &str, env: &str| {
        request
            .with("authorization", "Bearer both")
            .with("x-tenant-id", tenant)
            .with("x-env", env)
    };
    for (tenant, env) in [("t_other", "dev"), ("t_demo", "prod")] {
        for request in requests() {
            let (status, code, _) = of(request, tenant, env).send().await.problem();
            assert_eq!((status, &*code), (404, "asset-not-found"));
        }
    }
    for request in requests() {
        let stranger = request.with("authorization", "Bearer stranger");
        assert_eq!(stranger.send().await.status, 403);
    }
    for role in ["member", "viewer", "roleless"] {
        let [declare, abort, read] =
            requests().map(|it| it.with("authorization", &format!("Bearer {role}")));
        assert_eq!(declare.send().await.status, 403, "{role}");
        assert_eq!(abort.send().await.status, 403, "{role}");
        assert_eq!(read.send().await.status, 200, "{role}");
    }
    assert_eq!((house.events(), house.store.open_uploads()), (1, 1));
}

#[actix_web::test]
async fn a_single_upload_has_no_parts() {
    let house = House::open();
    let id = house.presigned().await;
    let path = format!("/nexus/raw/{id}/parts");
    let text = "the upload is not one in parts";
    let facts = (409, "asset-conflict", "Asset conflict", text);
    let declared = declare(&house, &id, &[declared(1)]).send().await;
    assert_eq!(declared.whole(), problem(&path, facts));
    let read = house.get(&path).send().await;
    assert_eq!(read.whole(), problem(&path, facts));
}

#[actix_web::test]
async fn what_waits_for_a_completion_has_retry_after() {
    let mut worker = MockObjectWorker::new();
    worker
        .expect_complete()
        .returning(|_, _| Ok(WorkProgress::Pending));
    worker
        .expect_abort()
        .returning(|_| Ok(WorkProgress::Pending));
    let house = House::open_with(Parts {
        worker: Some(Arc::new(worker)),
        ..in_parts()
    });
    let mut body = body_in_parts();
    body["sha256"] = presign_body()["sha256"].take();
    let id = promised(&house, &body).await;
    upload(&house, &id, &[1, 2, 3]).await;
    let register = house.register(&json!({"asset_id": id})).send().await;
    assert_eq!(register.header("retry-after"), Some("1"));
    assert_eq!(
        pending(register.whole()),
        (409, json!("verification-pending"))
    );
    let abort = abort(&house, &id).send().await;
    assert_eq!(abort.header("retry-after"), Some("2"));
    let path = format!("/nexus/raw/{id}/upload");
    let text = "the upload is being completed; try again later";
    let facts = (409, "verification-pending", "Verification pending", text);
    assert_eq!(abort.whole(), problem(&path, facts));
    assert_eq!(house.events(), 1);
}

fn pending((status, mut body): (u16, Value)) -> (u16, Value) {
    (status, body["code"].take())
}

#[actix_web::test]
async fn at_most_a_hundred_missing_parts_are_named() {
    let house = House::open_with(Parts {
        policy: UploadPolicy::default().with_part_size_bytes(ByteSize::parse(1).unwrap()),
        ..Parts::default()
    });
    let mut body = body_in_parts();
    body["size_bytes"] = json!(101);
    body["sha256"] = json!(sample::facts().sha256);
    let id = promised(&house, &body).await;
    let answer = house.register(&json!({"asset_id": id})).send().await;
    let (status, body) = answer.whole();
    assert_eq!(
        (status, &body["code"]),
        (409, &json!("object-not-uploaded"))
    );
    assert_eq!(
        body["detail"],
        "missing parts: 101; upload them and try again"
    );
    let errors = body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 100);
    assert_eq!(errors[99]["pointer"], "/parts/100");
}

#[actix_web::test]
async fn the_url_of_a_part_is_in_no_line_and_in_no_event() {
    let lines = Lines::default();
    let house = House::open_with(Parts {
        log: lines.logger(),
        ..in_parts()
    });
    let id = promised(&house, &body_in_parts()).await;
    let answer = declare(&house, &id, &[declared(1)]).send().await.json();
    let url = answer["parts"][0]["url"].as_str().unwrap();
    let (_, signature) = url.split_once("X-Amz-Signature=").unwrap();
    assert_eq!(abort(&house, &id).send().await.status, 204);
    let events = house.get(&format!("/nexus/raw/{id}/events")).send().await;
    let events = String::from_utf8(events.body).unwrap();
    for text in [lines.text(), events] {
        assert!(text.contains("u_demo"), "{text}");
        assert!(!text.contains(url) && !text.contains(signature), "{text}");
    }
}
