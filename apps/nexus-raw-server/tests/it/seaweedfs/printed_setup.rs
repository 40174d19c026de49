//! What the program prints for its bucket, set on a store: it takes the documents, and they bind.
//! SeaweedFS does not know the condition on `If-None-Match`, and takes no policy of a role.

use nexus_raw_testkit::{SeaweedFs, s3::xml_document};
use serde_json::{Value, json};

use crate::{
    caller::{Caller, at_store},
    house::{House as _, OnSeaweedFs},
    machine::{Server, photograph},
};

pub(super) const ORIGIN: &str = "https://app.example.com";

pub(super) fn printed(house: &OnSeaweedFs, command: &str) -> Value {
    let mut program = house.program();
    let origins = format!("[\"{ORIGIN}\"]");
    program.env("NEXUS_RAW_HTTP__CORS_ORIGINS", origins);
    let printed = program.arg(command).output().unwrap();
    serde_json::from_slice(&printed.stdout).unwrap()
}

pub(super) fn set(house: &OnSeaweedFs, what: &str, document: &str) {
    let target = format!("/{}?{what}", house.bucket());
    let store = SeaweedFs::shared().s3();
    let set = store.signed("PUT", &target, &[], document.as_bytes());
    let (status, code) = set.error();
    assert!((200..300).contains(&status), "{what}: {status} {code}");
}

fn started(house: &OnSeaweedFs) -> (Server, Caller) {
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    (server, caller)
}

#[tokio::test]
async fn the_rule_for_pages_allows_a_signed_upload_and_nothing_beyond() {
    let (house, photo) = (OnSeaweedFs::open(), photograph("DSCN0042.jpg"));
    let rule = printed(&house, "cors");
    set(&house, "cors", &xml_document("CORSConfiguration", &rule));
    let (_server, caller) = started(&house);
    let upload = caller.presign("DSCN0042.jpg", &photo).await;
    let names = upload.headers.iter().map(|(name, _)| name.as_str());
    let names = names.collect::<Vec<_>>().join(",");
    let preflight = |origin: &'static str, headers: String| {
        at_store("OPTIONS", &upload.url)
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", &headers)
            .send()
    };
    let allowed = preflight(ORIGIN, names.clone()).await;
    let reader = allowed.header("access-control-allow-origin");
    assert_eq!((allowed.status, reader), (200, Some(ORIGIN)));
    let more = preflight(ORIGIN, format!("{names},x-amz-acl")).await;
    let granted = more.header("access-control-allow-headers").unwrap_or("");
    assert!(!granted.contains("x-amz-acl"), "{granted}");
    let other = preflight("https://evil.example", names).await;
    assert_eq!(other.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn under_the_policy_the_service_works_and_nobody_deletes_or_writes_elsewhere() {
    let (house, photo) = (OnSeaweedFs::open(), photograph("DSCN0021.jpg"));
    let rules = xml_document("LifecycleConfiguration", &printed(&house, "lifecycle"));
    set(&house, "lifecycle", &rules);
    // without the statement on TLS, since the store is spoken to without it
    let policy = printed(&house, "bucket-policy");
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 3);
    set(&house, "policy", &policy.to_string());

    // the probe, its uploads in parts included, and a job
    let (_server, caller) = started(&house);
    let upload = caller.presign("DSCN0021.jpg", &photo).await;
    assert_eq!(upload.put(&photo).await, 200);
    let record = caller.register(&json!({"asset_id": upload.asset_id})).await;
    assert_eq!(record.status, 201);

    let store = SeaweedFs::shared().s3();
    let denied = (403, "AccessDenied".to_owned());
    let once = [("if-none-match", "*")];
    let elsewhere = format!("/{}/tenant/a", house.bucket());
    let written = store.signed("PUT", &elsewhere, &once, b"a");
    assert_eq!(written.error(), denied);
    let deleted = store.signed("DELETE", upload.path(), &[], b"");
    assert_eq!(deleted.error(), denied);
}
