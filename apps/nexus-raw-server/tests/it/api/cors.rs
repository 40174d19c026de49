//! What a page in a browser may read of the answers, and send.

use std::{sync::Arc, time::Duration};

use nexus_raw_server::{
    http::CorsOrigins,
    life_cycle::{Dependency, Phase},
};
use nexus_raw_testkit::StoreCalls;
use serde_json::json;

use super::support::{Answer, House, Parts, Request, presign_body};

const PAGE: &str = "https://app.example.com";
/// Pages, and apps that have an origin of their own.
const LET_IN: [&str; 5] = [
    PAGE,
    "http://localhost:3000",
    "http://app.localhost:3000",
    "capacitor://localhost",
    "tauri://localhost",
];
const TRACING: [&str; 3] = ["tracestate", "baggage", "sentry-trace"];
const EXPOSED: &str = "ETag, Location, Nexus-Train-Ok-Effective, Retry-After, Traceparent, \
                       WWW-Authenticate, X-Request-Id";

fn parts() -> Parts {
    Parts {
        cors: CorsOrigins::new(LET_IN).with_headers(&TRACING.map(str::to_owned)),
        ..Parts::default()
    }
}

fn preflight(house: &House, target: &str, origin: &str) -> Request {
    Request::new(house.address, "OPTIONS", target)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,x-env")
}

/// Returns the CORS headers of a response: the origin, what may be read, and what it varies by.
fn cors_headers(answer: &Answer) -> [Option<&str>; 3] {
    [
        "access-control-allow-origin",
        "access-control-expose-headers",
        "vary",
    ]
    .map(|name| answer.header(name))
}

#[actix_web::test]
async fn a_preflight_of_a_configured_origin_is_answered_without_a_token_and_touches_nothing() {
    let house = House::open_with(parts());
    // nothing of the service is needed, its start neither
    house
        .phase
        .send_replace(Phase::Waiting(Dependency::Catalog));
    for target in [
        "/nexus/raw/presign-upload",
        "/nexus/raw/register",
        "/nexus/raw/x",
        "/nexus/raw/x/events",
        "/nexus/no-such-route",
        "/healthz",
        "/openapi.json",
        "/no-such-route",
    ] {
        for origin in LET_IN {
            let answer = preflight(&house, target, origin).send().await;
            assert_eq!((answer.status, &*answer.body), (204, &b""[..]), "{target}");
            assert_eq!(
                answer.steady_headers(),
                [
                    (
                        "access-control-allow-headers",
                        "Authorization, Content-Type, Idempotency-Key, If-None-Match, Traceparent, \
                         X-Env, X-Request-Id, X-Tenant-Id, tracestate, baggage, sentry-trace"
                    ),
                    ("access-control-allow-methods", "DELETE, GET, HEAD, POST"),
                    ("access-control-allow-origin", origin),
                    ("access-control-expose-headers", EXPOSED),
                    ("access-control-max-age", "7200"),
                    ("cache-control", "no-store"),
                    ("connection", "close"),
                    ("vary", "Origin"),
                    ("x-content-type-options", "nosniff"),
                ],
                "{target}"
            );
        }
    }
    assert_eq!(house.store.calls(), StoreCalls::default());
    assert_eq!(house.events(), 0);
}

#[actix_web::test]
async fn a_preflight_of_any_other_origin_is_a_request_that_no_route_serves() {
    let house = House::open_with(parts());
    for origin in [
        "https://evil.example.com",
        "https://app.example.com.evil.example",
        "https://app.example.com:443",
        "https://app.example.com/",
        "http://app.example.com",
        "HTTPS://app.example.com",
        "https://app.example.com, https://app.example.com",
        "https://",
        "null",
        "*",
        "",
        "https://app.ex\u{e9}mple.com",
    ] {
        for (target, refused) in [
            ("/nexus/raw/register", (401, "unauthenticated")),
            ("/healthz", (405, "method-not-allowed")),
            ("/no-such-route", (404, "route-not-found")),
        ] {
            let answer = preflight(&house, target, origin).send().await;
            let (status, code, _) = answer.problem();
            assert_eq!((status, &*code), refused, "{origin}");
            assert_eq!(
                cors_headers(&answer),
                [None, None, Some("Origin")],
                "{origin}"
            );
            assert_eq!(answer.header("access-control-allow-methods"), None);
            assert_eq!(answer.header("access-control-allow-headers"), None);
        }
    }
    // two origins are none
    let twice = preflight(&house, "/healthz", PAGE).header("origin", PAGE);
    let answer = twice.send().await;
    assert_eq!(answer.status, 405);
    assert_eq!(cors_headers(&answer), [None, None, Some("Origin")]);
}

#[actix_web::test]
async fn where_no_more_headers_are_configured_a_page_may_send_those_that_are_read() {
    let house = House::open_with(Parts {
        cors: CorsOrigins::new([PAGE]),
        ..Parts::default()
    });
    let answer = preflight(&house, "/healthz", PAGE).send().await;
    let read = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Traceparent, X-Env, \
                X-Request-Id, X-Tenant-Id";
    let granted = answer.header("access-control-allow-headers");
    assert_eq!((answer.status, granted), (204, Some(read)));
}

#[actix_web::test]
async fn a_preflight_has_a_method_and_any_other_options_is_refused() {
    let house = House::open_with(parts());
    let request = preflight(&house, "/healthz", PAGE);
    let answer = request
        .without("access-control-request-method")
        .send()
        .await;
    assert_eq!(answer.problem().0, 405);
    let let_in = [Some(PAGE), Some(EXPOSED), Some("Origin")];
    assert_eq!(cors_headers(&answer), let_in, "and the page may read why");
    let answer = house.get("/healthz").header("origin", PAGE);
    let answer = answer.header("access-control-request-method", "PUT");
    assert_eq!(answer.send().await.whole(), (200, json!({"status": "ok"})));
}

#[actix_web::test]
async fn a_page_of_a_configured_origin_may_read_every_answer_and_every_problem() {
    let house = House::open_with(Parts {
        request_timeout: Duration::from_millis(200),
        ..parts()
    });
    let (asset_id, _) = house.registered().await;
    let record = format!("/nexus/raw/{asset_id}");
    let tag = house.get(&record).send().await;
    let tag = tag.header("etag").unwrap().to_owned();
    let presign = house.presign(&presign_body());
    let cases = [
        (200, presign.clone()),
        (200, house.get(&record)),
        (304, house.get(&record).header("if-none-match", &tag)),
        (200, house.get("/openapi.json")),
        (400, presign.clone().body("{")),
        (401, presign.clone().without("authorization")),
        (403, presign.clone().with("authorization", "Bearer viewer")),
        (404, house.get("/nexus/raw/x")),
        (405, house.request("PUT", "/healthz")),
        (408, presign.clone().with("content-length", "5000")),
        (413, presign.clone().body(vec![b' '; 64 * 1024 + 1])),
        (415, presign.clone().with("content-type", "text/plain")),
        (422, presign.clone().body("{}")),
    ];
    let let_in = [Some(PAGE), Some(EXPOSED), Some("Origin")];
    for (status, request) in cases {
        let plain = request.clone().send().await;
        assert_eq!(
            (plain.status, cors_headers(&plain)),
            (status, [None, None, Some("Origin")])
        );
        let answer = request.clone().header("origin", PAGE).send().await;
        assert_eq!((answer.status, cors_headers(&answer)), (status, let_in));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let foreign = request.header("origin", "https://evil.example.com");
        let foreign = foreign.send().await;
        assert_eq!(
            (foreign.status, foreign.steady_headers().len()),
            (status, plain.steady_headers().len()),
            "another page's request is answered by the same rules, with nothing of CORS"
        );
        assert_eq!(cors_headers(&foreign), cors_headers(&plain));
    }
    house.store.set_available(false);
    let answer = house.get("/readyz").header("origin", PAGE).send().await;
    assert_eq!((answer.status, cors_headers(&answer)), (503, let_in));
    assert_eq!(answer.header("retry-after"), Some("2"));
}

#[actix_web::test]
async fn a_panic_can_be_read_by_the_page_too() {
    let mut catalog = nexus_raw::ports::MockAssetCatalog::new();
    catalog
        .expect_find_asset()
        .returning(|_, _| panic!("defect"));
    let house = House::open_with(Parts {
        catalog: Some(Arc::new(catalog)),
        ..parts()
    });
    let request = house.get("/nexus/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11");
    let answer = request.header("origin", PAGE).send().await;
    assert_eq!(answer.status, 500);
    assert_eq!(
        cors_headers(&answer),
        [Some(PAGE), Some(EXPOSED), Some("Origin")]
    );
}

#[actix_web::test]
async fn without_configured_origins_no_response_has_cors_headers() {
    let house = House::open();
    for (request, status) in [
        (house.get("/healthz"), 200),
        (house.get("/nexus/raw/x"), 404),
        (house.request("OPTIONS", "/healthz"), 405),
        (house.request("OPTIONS", "/nexus/raw/register"), 405),
    ] {
        let plain = request.clone().send().await;
        let of_page = request.header("origin", PAGE);
        let of_page = of_page.header("access-control-request-method", "GET");
        let answer = of_page.send().await;
        assert_eq!((answer.status, &answer.body), (status, &plain.body));
        assert_eq!(answer.steady_headers(), plain.steady_headers());
        assert_eq!(cors_headers(&answer), [None; 3]);
    }
}
