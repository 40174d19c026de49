//! How often a caller may send a request.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use nexus_raw_server::http::Limits;
use serde_json::json;

use super::support::{House, Parts, Request, TRACE_ID, presign_body};

const PATH: &str = "/nexus/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

/// A service that accepts so many requests at once and one more each second, by a clock that only
/// the test advances.
fn limited(burst: u32) -> (House, Limits, Arc<AtomicU64>) {
    let millis = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&millis);
    let limits = Limits::by_ticks(
        NonZeroU32::new(1).unwrap(),
        NonZeroU32::new(burst).unwrap(),
        move || Duration::from_millis(clock.load(SeqCst)),
    );
    let house = House::open_with(Parts {
        limits: limits.clone(),
        ..Parts::default()
    });
    (house, limits, millis)
}

async fn code(request: Request) -> (u16, String) {
    let (status, code, _) = request.send().await.problem();
    (status, code)
}

#[actix_web::test]
async fn a_request_over_the_rate_is_refused_with_retry_after_and_writes_nothing() {
    let (house, _, millis) = limited(2);
    for _ in 0..2 {
        assert_eq!(house.presign(&presign_body()).send().await.status, 200);
    }
    let (calls, events) = (house.store.calls(), house.events());
    // the body is not read: it may be anything, or never come
    let presign = house.presign(&presign_body());
    let endless = presign.clone().with("content-length", "5000");
    for request in [
        presign,
        endless,
        house.get(PATH),
        house.get(&format!("{PATH}/events")),
    ] {
        let target = request.line.split(' ').nth(1).unwrap().to_owned();
        let answer = request.send().await;
        assert_eq!(
            answer.whole(),
            (
                429,
                json!({
                    "type": "urn:nexus-raw:problem:rate-limited",
                    "title": "Rate limited",
                    "status": 429,
                    "detail": "rate limit exceeded in this tenant; try again later",
                    "instance": target,
                    "code": "rate-limited",
                    "trace_id": TRACE_ID,
                })
            )
        );
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
    }
    assert_eq!((house.store.calls(), house.events()), (calls, events));
    millis.store(1000, SeqCst);
    assert_eq!(house.presign(&presign_body()).send().await.status, 200);
    assert_eq!(house.presign(&presign_body()).send().await.status, 429);
}

#[actix_web::test]
async fn another_user_tenant_or_probe_is_not_held_up() {
    let (house, limits, _) = limited(1);
    let both = house.get(PATH).with("authorization", "Bearer both");
    // one user of two tenants, with any token
    assert_eq!(both.clone().send().await.status, 404);
    assert_eq!(house.get(PATH).send().await.status, 429);
    let prod = house.get(PATH).with("x-env", "prod");
    assert_eq!(prod.send().await.status, 429, "environments share a bucket");
    let other = both.clone().with("x-tenant-id", "t_other");
    assert_eq!(other.clone().send().await.status, 404);
    assert_eq!(other.send().await.status, 429);
    assert_eq!(limits.remembered(), 2);
    for _ in 0..3 {
        for open in ["/healthz", "/readyz", "/openapi.json"] {
            assert_eq!(house.get(open).send().await.status, 200, "{open}");
        }
    }
}

#[actix_web::test]
async fn a_caller_without_a_right_in_a_tenant_neither_uses_its_rate_nor_is_remembered() {
    let (house, limits, _) = limited(1);
    let presign = house.presign(&presign_body());
    for _ in 0..3 {
        for (request, refused) in [
            (presign.clone().without("authorization"), 401),
            (presign.clone().with("authorization", "Bearer none"), 401),
            (house.get("/nexus/raw/x/y/z"), 404),
            (house.request("PUT", PATH), 405),
            (presign.clone().without("x-tenant-id"), 400),
            (presign.clone().with("x-env", "qa"), 400),
            (presign.clone().with("x-tenant-id", "t_unknown"), 403),
            (
                presign.clone().with("authorization", "Bearer stranger"),
                403,
            ),
            (presign.clone().with("authorization", "Bearer viewer"), 403),
        ] {
            assert_eq!(code(request).await.0, refused);
        }
    }
    assert_eq!(limits.remembered(), 0);
    assert_eq!(presign.send().await.status, 200);
    assert_eq!(limits.remembered(), 1);
}

#[actix_web::test]
async fn the_rate_comes_after_the_right_and_before_everything_of_the_body() {
    let (house, _, _) = limited(1);
    assert_eq!(house.presign(&presign_body()).send().await.status, 200);
    let limited = (429, "rate-limited".to_owned());
    let presign = house.presign(&presign_body());
    for request in [
        presign.clone().header("idempotency-key", "a b"),
        presign.clone().with("content-type", "text/plain"),
        presign.clone().body(vec![b' '; 64 * 1024 + 1]),
        presign.clone().body("{"),
        presign.clone().body("{}"),
    ] {
        assert_eq!(code(request).await, limited);
    }
    let viewer = presign.with("authorization", "Bearer viewer");
    assert_eq!(code(viewer).await, (403, "forbidden".to_owned()));
}
