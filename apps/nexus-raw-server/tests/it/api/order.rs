//! Which fault is reported where a request has several.

use serde_json::json;

use super::support::{House, Request};

async fn code(request: Request) -> (u16, String) {
    let (status, code, _) = request.send().await.problem();
    (status, code)
}

#[actix_web::test]
async fn checks_come_in_the_order_of_the_contract() {
    let house = House::open();
    // everything is wrong with it, and each step puts one thing right
    let request = house
        .request("PUT", "/nexus/raw/x/no-such-route")
        .without("authorization")
        .with("authorization", "Bearer viewer")
        .header("authorization", "Bearer unknown")
        .with("x-tenant-id", "t_demo,t_other")
        .header("idempotency-key", "not visible")
        .header("content-type", "text/plain")
        .body(vec![b'{'; 64 * 1024 + 1]);
    assert_eq!(
        code(request.clone()).await,
        (400, "malformed-request".into())
    );
    let request = request.with("authorization", "Bearer unknown");
    assert_eq!(code(request.clone()).await, (401, "unauthenticated".into()));
    let request = request.with("authorization", "Bearer viewer");
    assert_eq!(code(request.clone()).await, (404, "route-not-found".into()));
    let request = request.to("PUT", "/nexus/raw/register");
    assert_eq!(
        code(request.clone()).await,
        (405, "method-not-allowed".into())
    );
    let request = request.to("POST", "/nexus/raw/presign-upload");
    assert_eq!(
        code(request.clone()).await,
        (400, "malformed-request".into())
    );
    let request = request.with("x-tenant-id", "t_demo");
    assert_eq!(code(request.clone()).await, (403, "forbidden".into()));
    let request = request.with("authorization", "Bearer owner");
    assert_eq!(
        code(request.clone()).await,
        (400, "malformed-request".into())
    );
    let request = request.without("idempotency-key");
    assert_eq!(
        code(request.clone()).await,
        (415, "unsupported-media-type".into())
    );
    let request = request.with("content-type", "application/json");
    assert_eq!(
        code(request.clone()).await,
        (413, "payload-too-large".into())
    );
    let request = request.body("{");
    assert_eq!(
        code(request.clone()).await,
        (400, "malformed-request".into())
    );
    let request = request.body("{}");
    assert_eq!(
        code(request.clone()).await,
        (422, "validation-failed".into())
    );
    let request = request
        .to("POST", "/nexus/raw/register")
        .json(&json!({"asset_id": "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11"}));
    assert_eq!(code(request).await, (404, "asset-not-found".into()));
    assert_eq!(house.events(), 0);
    assert_eq!(
        house.store.calls(),
        nexus_raw_testkit::StoreCalls::default()
    );
}

#[actix_web::test]
async fn an_unlisted_route_is_not_disclosed_to_an_unknown_caller() {
    let house = House::open();
    for target in [
        "/nexus/",
        "/nexus/ra",
        "/nexus/raw/",
        "/nexus/x?y",
        "/nexus/raw/register/",
    ] {
        let request = house.get(target);
        assert_eq!(
            code(request.clone().without("authorization")).await,
            (401, "unauthenticated".into()),
            "{target}"
        );
        assert_eq!(
            code(request).await,
            (404, "route-not-found".into()),
            "{target}"
        );
    }
    for target in [
        "/",
        "/nexus",
        "/Nexus/raw/register",
        "//nexus/raw/register",
        "/metrics",
    ] {
        let request = house.get(target).without("authorization");
        assert_eq!(
            code(request).await,
            (404, "route-not-found".into()),
            "{target}"
        );
    }
}

#[actix_web::test]
async fn another_method_is_refused_with_the_allowed_ones() {
    let house = House::open();
    for (method, target, allow) in [
        ("GET", "/nexus/raw/presign-upload", "POST"),
        ("HEAD", "/nexus/raw/register", "POST"),
        ("OPTIONS", "/nexus/raw/register", "POST"),
        ("BREW", "/nexus/raw/register", "POST"),
        ("DELETE", "/nexus/raw/x", "GET, HEAD"),
        ("POST", "/nexus/raw/x/events", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("PUT", "/readyz", "GET, HEAD"),
        ("TRACE", "/openapi.json", "GET, HEAD"),
    ] {
        let answer = house.request(method, target).send().await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some(allow)),
            "{target}"
        );
        if method != "HEAD" {
            assert_eq!(
                answer.problem(),
                (405, "method-not-allowed".to_owned(), vec![])
            );
        }
    }
}
