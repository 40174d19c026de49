//! Every problem that a caller can bring about, from outside.

use std::collections::BTreeSet;

use nexus_raw::{asset::Sha256Digest, tenancy::Role};
use nexus_raw_server::http::ProblemCode;
use serde_json::{Value, json};

use crate::{house::House, http::Request, machine::photograph};

/// What no caller can bring about alone: something that the service needs must be away, broken or
/// unable to check digests, or a limit must be configured.
const OF_OTHER_TESTS: [&str; 8] = [
    "catalog-unavailable",
    "idempotency-key-reused",
    "identity-unavailable",
    "internal",
    "rate-limited",
    "sink-unavailable",
    "storage-unavailable",
    "verification-pending",
];

const PRESIGN: &str = "/nexus/raw/presign-upload";
const REGISTER: &str = "/nexus/raw/register";
const ABSENT: &str = "/nexus/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

/// What a problem must be, from its status to its last member.
async fn provoked(request: Request, status: u16, code: &str, path: &str) -> String {
    let trace_id = "0af7651916cd43dd8448eb211c80319c";
    let traceparent = format!("00-{trace_id}-b7ad6b7169203331-01");
    let answer = request.header("traceparent", &traceparent).send().await;
    assert_eq!((answer.status, answer.problem().1.as_str()), (status, code));
    let body = answer.json();
    assert_eq!(
        (&body["instance"], &body["trace_id"]),
        (&json!(path), &json!(trace_id)),
        "{code}"
    );
    for member in ["title", "detail"] {
        assert!(body[member].is_string(), "{code}: {body}");
    }
    code.to_owned()
}

/// What is wrong with a request, and what comes of waiting.
async fn of_requests_and_ends(house: &impl House) -> BTreeSet<String> {
    let photo = photograph("DSCN0042.jpg");
    let server = house.start_with(&[
        ("HTTP__REQUEST_TIMEOUT_SECONDS", "2"),
        ("STORAGE__PRESIGN_TTL_SECONDS", "1"),
        ("STORAGE__INTENT_TTL_SECONDS", "1"),
    ]);
    let caller = house.owner_of("t_demo", &server);
    let viewer = house.caller("t_demo", Role::Viewer, &server);
    // nobody uploads this: its time is over when it is registered
    let expiring = caller.presign("DSCN0042.jpg", &photo).await;
    let register = |upload: &crate::caller::Upload| {
        caller
            .posting(REGISTER)
            .json(&json!({"asset_id": upload.asset_id}))
    };
    let promise = json!({
        "filename": "DSCN0042.jpg", "size_bytes": photo.len(), "sha256": Sha256Digest::of(&photo),
    });

    let mut seen: BTreeSet<String> = BTreeSet::new();
    let presigning = || caller.posting(PRESIGN);
    let anonymous = Request::new(server.address, "GET", ABSENT);
    let slow = presigning().body("{").with("content-length", "100");
    let long = presigning().json(&json!({"filename": "x".repeat(65 * 1024)}));
    let text = presigning().with("content-type", "text/plain");
    for (request, status, code, path) in [
        (
            presigning().body("{} {}"),
            400,
            "malformed-request",
            PRESIGN,
        ),
        (
            presigning().without("x-env").json(&promise),
            400,
            "malformed-request",
            PRESIGN,
        ),
        (anonymous, 401, "unauthenticated", ABSENT),
        (
            viewer.posting(PRESIGN).json(&promise),
            403,
            "forbidden",
            PRESIGN,
        ),
        (
            caller.request("GET", ABSENT),
            404,
            "asset-not-found",
            ABSENT,
        ),
        (
            caller.request("GET", "/nexus/none"),
            404,
            "route-not-found",
            "/nexus/none",
        ),
        (
            caller.request("DELETE", ABSENT),
            405,
            "method-not-allowed",
            ABSENT,
        ),
        (slow, 408, "request-timeout", PRESIGN),
        (long, 413, "payload-too-large", PRESIGN),
        (text.json(&promise), 415, "unsupported-media-type", PRESIGN),
        (
            presigning().json(&json!([])),
            422,
            "validation-failed",
            PRESIGN,
        ),
    ] {
        seen.insert(provoked(request, status, code, path).await);
    }

    let mut wait = register(&expiring);
    while wait.clone().send().await.status != 410 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        wait = register(&expiring);
    }
    seen.insert(provoked(wait, 410, "upload-expired", REGISTER).await);
    seen
}

/// What is wrong with an asset, while its intent lives.
async fn of_assets(house: &impl House) -> BTreeSet<String> {
    let photo = photograph("DSCN0042.jpg");
    let mut seen = BTreeSet::new();
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0042.jpg", &photo).await;
    let statement = |more: &Value| {
        let mut body = json!({"asset_id": upload.asset_id});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        caller.posting(REGISTER).json(&body)
    };
    let nothing = json!({});
    seen.insert(provoked(statement(&nothing), 409, "object-not-uploaded", REGISTER).await);
    let store = house.store(&server);
    let put = store.signed("PUT", upload.path(), &[], b"another object");
    assert_eq!(put.status, 200);
    seen.insert(provoked(statement(&nothing), 422, "object-mismatch", REGISTER).await);
    let deleted = store.signed("DELETE", upload.path(), &[], b"");
    assert_eq!(deleted.status, 204);
    let restated = json!({"filename": "another.jpg"});
    seen.insert(provoked(statement(&restated), 409, "asset-conflict", REGISTER).await);
    assert_eq!(upload.put(&photo).await, 200);
    assert_eq!(statement(&nothing).send().await.status, 201);
    let otherwise = json!({"train_ok": true});
    let conflict = statement(&otherwise).send().await;
    assert_eq!(
        conflict.problem(),
        (409, "asset-conflict".to_owned(), vec![])
    );
    let location = format!("/nexus/raw/{}", upload.asset_id);
    assert_eq!(conflict.header("location"), Some(&*location));
    seen
}

pub(crate) async fn every_problem_of_the_contract_that_a_caller_can_bring_about_is_answered_as_it_says(
    house: impl House,
) {
    let mut seen = of_requests_and_ends(&house).await;
    seen.append(&mut of_assets(&house).await);
    let all = ProblemCode::ALL.iter().map(|code| code.as_str().to_owned());
    let expected: BTreeSet<_> = all
        .filter(|code| !OF_OTHER_TESTS.contains(&&**code))
        .collect();
    assert_eq!(seen, expected);
}
