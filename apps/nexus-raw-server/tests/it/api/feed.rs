//! The feed of a tenant and environment, pulled from a place on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join;
use nexus_raw_server::feed::FeedSettings;
use serde_json::{Value, json};

use super::{
    support::{Answer, House, Parts, TRACE_ID},
    wire::Wire,
};

const FEED: &str = "/nexus/raw/events";
/// Far more than anything here takes on a loaded machine.
const SOON: Duration = Duration::from_secs(20);
/// Of a wait of 20 s.
const LONG_BEFORE_ITS_END: Duration = Duration::from_secs(10);

/// A service that reads events only when it has written some.
fn seldom_looking() -> Parts {
    Parts {
        request_timeout: Duration::from_mins(5),
        feed: FeedSettings {
            poll_interval: Duration::from_hours(1),
            ..FeedSettings::default()
        },
        ..Parts::default()
    }
}

fn sequences(answer: &Answer) -> Vec<u64> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    let events = body["events"].as_array().unwrap().iter();
    events
        .map(|event| event["sequence"].as_u64().unwrap())
        .collect()
}

/// Returns once so many requests wait.
async fn waiting(house: &House, count: usize) {
    let began = Instant::now();
    while house.core.feed.waiting() != count {
        assert!(began.elapsed() < SOON, "{} wait", house.core.feed.waiting());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn problem(status: u16, code: &str, title: &str, detail: &str) -> (u16, Value) {
    let body = json!({
        "type": format!("urn:nexus-raw:problem:{code}"),
        "title": title,
        "status": status,
        "detail": detail,
        "instance": FEED,
        "code": code,
        "trace_id": TRACE_ID,
    });
    (status, body)
}

#[actix_web::test]
async fn readers_pull_the_events_of_their_scope_from_a_place_on() {
    let house = House::open();
    let (first, _) = house.registered().await;
    let second = house.presigned().await;
    let reader = |target: &str| house.get(target).with("authorization", "Bearer viewer");

    let answer = reader(&format!("{FEED}?after=2")).send().await;
    let uri = format!("s3://nexus-raw-test/tenants/t_demo/dev/raw/{second}/DSCN0010.jpg");
    let mut body = answer.json();
    let event_id = body["events"][0]["event_id"].take();
    let event = json!({
        "event_id": null,
        "schema_version": "1",
        "event_type": "raw_asset_presigned",
        "sequence": 3,
        "occurred_at": "2026-11-24T01:00:00Z",
        "tenant_id": "t_demo",
        "env": "dev",
        "user_id": "u_demo",
        "trace_id": TRACE_ID,
        "request_id": "req-1",
        "asset_id": second,
        "uri": uri,
        "sha256": "dbef254508d970eb9ff21cb5947d17c64bc0e8f0b10d2968ccc2609f772919ad",
        "size_bytes": 22,
        "content_type": "image/jpeg",
        "lineage": {"derived_from": [], "source_uri": null, "activity": null},
        "pii_flags": null,
        "train_ok": null,
    });
    assert_eq!((answer.status, &body), (200, &json!({"events": [event]})));
    let length = answer.body.len().to_string();
    assert_eq!(
        answer.steady_headers(),
        [
            ("cache-control", "no-store"),
            ("connection", "close"),
            ("content-length", &*length),
            ("content-type", "application/json"),
            ("x-content-type-options", "nosniff"),
        ]
    );

    // to the byte what the events of its assets are
    let all = reader(FEED).send().await.json();
    let mut of_assets = Vec::new();
    for asset_id in [&first, &second] {
        let page = reader(&format!("/nexus/raw/{asset_id}/events"))
            .send()
            .await;
        of_assets.extend(page.json()["events"].as_array().unwrap().clone());
    }
    assert_eq!(all, json!({"events": of_assets}));
    assert_eq!(all["events"][2]["event_id"], event_id);

    for (query, expected) in [
        ("", &[1, 2, 3][..]),
        ("?", &[1, 2, 3]),
        ("?after=0&limit=2", &[1, 2]),
        ("?limit=1&after=1", &[2]),
        ("?limit=1000&wait_seconds=20", &[1, 2, 3]),
        ("?after=3", &[]),
        ("?after=9223372036854775807", &[]),
        ("?after=3&wait_seconds=0", &[]),
    ] {
        let answer = reader(&format!("{FEED}{query}")).send().await;
        assert_eq!(sequences(&answer), expected, "{query}");
    }
    // a scope in which nothing happened is as empty as its end
    let empty = reader(FEED).with("x-env", "prod").send().await;
    assert_eq!(empty.whole(), (200, json!({"events": []})));
    let head = house.request("HEAD", FEED).send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[actix_web::test]
async fn readers_pull_the_events_of_some_types() {
    let house = House::open();
    house.registered().await;
    house.presigned().await;
    house.registered().await;
    let (presigned, registered) = ("raw_asset_presigned", "raw_asset_registered");
    let all = house.get(FEED).send().await.json();
    for (query, expected) in [
        (format!("event_type={presigned}"), &[1, 3, 4][..]),
        (format!("event_type={registered}"), &[2, 5]),
        (format!("event_type={registered}&after=2&limit=1"), &[5]),
        (format!("event_type={registered}&after=5"), &[]),
        (
            format!("event_type={registered}&after=1&event_type={presigned}&limit=3"),
            &[2, 3, 4],
        ),
        (
            format!("event_type={presigned}&event_type={presigned}"),
            &[1, 3, 4],
        ),
    ] {
        let answer = house.get(&format!("{FEED}?{query}")).send().await;
        let chosen: Vec<_> = expected.iter().map(|n| &all["events"][n - 1]).collect();
        assert_eq!(answer.whole(), (200, json!({"events": chosen})), "{query}");
    }
    for query in [
        "event_type=",
        "event_type",
        "event_type=raw_asset_erased",
        "event_type=RAW_ASSET_PRESIGNED",
        "event_type=%20raw_asset_presigned",
        "event_type=raw_asset_presigned,raw_asset_registered",
        "event_type=raw_asset_presigned&event_type=x&event_type=y",
    ] {
        let answer = house.get(&format!("{FEED}?{query}")).send().await;
        let (status, mut expected) = problem(
            422,
            "validation-failed",
            "Validation failed",
            "the query breaks the rules named in errors",
        );
        expected["errors"] =
            json!([{"pointer": "/event_type", "detail": "must be the type of an event"}]);
        assert_eq!(answer.whole(), (status, expected), "{query}");
    }
}

#[actix_web::test]
async fn a_wait_for_some_types_is_ended_by_these_alone() {
    let house = House::open_with(seldom_looking());
    let asset_id = house.presigned_and_uploaded().await;
    let query = "event_type=raw_asset_registered&wait_seconds=20";
    let pulled = house.get(&format!("{FEED}?{query}")).send();
    let registered = async {
        waiting(&house, 1).await;
        house.presigned().await;
        waiting(&house, 1).await;
        let began = Instant::now();
        let answer = house.register(&json!({"asset_id": asset_id})).send().await;
        assert_eq!(answer.status, 201);
        began
    };
    let (pulled, registered) = join(pulled, registered).await;
    assert!(registered.elapsed() < LONG_BEFORE_ITS_END);
    assert_eq!(sequences(&pulled), [3]);
    waiting(&house, 0).await;
}

#[actix_web::test]
async fn a_page_has_a_hundred_events_unless_more_or_fewer_are_requested() {
    let house = House::open();
    for _ in 0..120 {
        house.presigned().await;
    }
    for (query, count) in [
        ("", 100),
        ("?limit=120", 120),
        ("?limit=1000", 120),
        ("?limit=7", 7),
    ] {
        let answer = house.get(&format!("{FEED}{query}")).send().await;
        assert_eq!(
            sequences(&answer),
            (1..=count).collect::<Vec<_>>(),
            "{query}"
        );
    }
}

#[actix_web::test]
async fn all_faults_of_the_query_are_reported_at_once() {
    let house = House::open();
    let query = "?after=-1&limit=1001&wait_seconds=21&limit2=3&after%20=4";
    let answer = house.get(&format!("{FEED}{query}")).send().await;
    let (status, mut expected) = problem(
        422,
        "validation-failed",
        "Validation failed",
        "the query breaks the rules named in errors",
    );
    expected["errors"] = json!([
        {"pointer": "/after", "detail": "must be an integer from 0 to 9223372036854775807"},
        {"pointer": "/limit", "detail": "must be an integer from 1 to 1000"},
        {"pointer": "/wait_seconds", "detail": "must be an integer from 0 to 20"},
        {"pointer": "/after ", "detail": "is not a known parameter"},
        {"pointer": "/limit2", "detail": "is not a known parameter"},
    ]);
    assert_eq!(answer.whole(), (status, expected));

    for (query, pointer) in [
        ("after=1&after=1", "/after"),
        ("after=9223372036854775808", "/after"),
        ("after", "/after"),
        ("limit=0", "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("wait_seconds=1.5", "/wait_seconds"),
        ("AFTER=1", "/AFTER"),
        ("tenant_id=t_other", "/tenant_id"),
    ] {
        let answer = house.get(&format!("{FEED}?{query}")).send().await;
        let expected = (
            422,
            "validation-failed".to_owned(),
            vec![pointer.to_owned()],
        );
        assert_eq!(answer.problem(), expected, "{query}");
    }
}

#[actix_web::test]
async fn the_query_is_looked_at_last() {
    let house = House::open();
    house.presigned().await;
    let faulty = house.get(&format!("{FEED}?limit=0"));
    for (request, status, code) in [
        (
            faulty.clone().without("authorization"),
            401,
            "unauthenticated",
        ),
        (faulty.clone().without("x-env"), 400, "malformed-request"),
        (
            faulty.clone().with("authorization", "Bearer stranger"),
            403,
            "forbidden",
        ),
        (faulty, 422, "validation-failed"),
    ] {
        let (found, named, _) = request.send().await.problem();
        assert_eq!((found, &*named), (status, code));
    }
    let post = house.request("POST", FEED).send().await;
    assert_eq!(
        post.problem(),
        (405, "method-not-allowed".to_owned(), vec![])
    );
    assert_eq!(post.header("allow"), Some("GET, HEAD"));
}

#[actix_web::test]
async fn a_wait_is_ended_by_a_registration() {
    let house = House::open_with(seldom_looking());
    let asset_id = house.presigned_and_uploaded().await;
    let pulled = house.get(&format!("{FEED}?after=1&wait_seconds=20")).send();
    let registered = async {
        waiting(&house, 1).await;
        let began = Instant::now();
        let answer = house.register(&json!({"asset_id": asset_id})).send().await;
        assert_eq!(answer.status, 201);
        began
    };
    let (pulled, registered) = join(pulled, registered).await;
    assert!(registered.elapsed() < Duration::from_secs(5));
    let body = pulled.json();
    let event = &body["events"][0];
    assert_eq!(sequences(&pulled), [2]);
    assert_eq!(event["event_type"], "raw_asset_registered");
    assert_eq!(event["asset_id"], json!(asset_id));
    waiting(&house, 0).await;
}

#[actix_web::test]
async fn a_wait_ends_empty_within_the_time_of_a_request() {
    let house = House::open_with(Parts {
        request_timeout: Duration::from_secs(2),
        ..Parts::default()
    });
    for (seconds, least, most) in [(1, 900, 1900), (20, 900, 1900)] {
        let began = Instant::now();
        let answer = house
            .get(&format!("{FEED}?wait_seconds={seconds}"))
            .send()
            .await;
        assert_eq!(answer.whole(), (200, json!({"events": []})));
        let took = began.elapsed().as_millis();
        assert!((least..most).contains(&took), "{took} ms");
    }
}

/// A service with one place for each user, and what takes it when it is said on a wire.
fn with_one_place() -> (House, String) {
    let house = House::open_with(Parts {
        feed: FeedSettings {
            max_per_user: 1,
            ..seldom_looking().feed
        },
        ..seldom_looking()
    });
    let request = format!(
        "GET {FEED}?wait_seconds=20 HTTP/1.1\r\nHost: nexus.test\r\nAuthorization: Bearer owner\r\n\
         X-Tenant-Id: t_demo\r\nX-Env: dev\r\n"
    );
    (house, request)
}

#[actix_web::test]
async fn a_disconnected_caller_frees_its_place() {
    let (house, request) = with_one_place();
    let next = "GET /healthz HTTP/1.1\r\nHost: nexus.test\r\n\r\n";
    for (name, behind) in [
        ("nothing", "\r\n".to_owned()),
        ("its next request", format!("\r\n{next}")),
        ("half a head", "\r\nGET /heal".to_owned()),
        ("many requests", format!("\r\n{}", next.repeat(100))),
        ("its body", "Content-Length: 5\r\n\r\nabcde".to_owned()),
        ("half a body", "Content-Length: 9\r\n\r\nabcde".to_owned()),
    ] {
        let mut wire = Wire::open(house.address).await;
        wire.say(format!("{request}{behind}")).await;
        waiting(&house, 1).await;
        let others = house.get(&format!("{FEED}?wait_seconds=20")).send().await;
        assert_eq!(others.status, 429, "{name}: the place is taken");
        // by itself the wait would end after 20 s
        let began = Instant::now();
        drop(wire);
        waiting(&house, 0).await;
        assert!(began.elapsed() < LONG_BEFORE_ITS_END, "{name}");
    }
    // and others have it
    let other = house.get(&format!("{FEED}?wait_seconds=20")).send();
    let writes = async {
        waiting(&house, 1).await;
        house.presigned().await;
    };
    assert_eq!(sequences(&join(other, writes).await.0), [1]);
}

#[actix_web::test]
async fn who_cannot_be_watched_does_not_wait() {
    let (house, request) = with_one_place();
    let body = "x".repeat(64 * 1024);
    let next = format!("GET /healthz HTTP/1.1\r\nHost: nexus.test\r\nX-Long: {body}\r\n\r\n");
    for (name, behind, last) in [
        ("more than is read ahead", format!("\r\n{next}"), false),
        (
            "a long body",
            format!("Content-Length: 99999\r\n\r\n{body}"),
            true,
        ),
        (
            "a body of chunks",
            "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n".to_owned(),
            true,
        ),
    ] {
        let mut wire = Wire::open(house.address).await;
        let began = Instant::now();
        wire.say(format!("{request}{behind}")).await;
        let heard = loop {
            let heard = wire.listen(Duration::from_millis(20)).await;
            if heard.closed || !heard.statuses.is_empty() || began.elapsed() > SOON {
                break heard;
            }
        };
        assert_eq!(heard.statuses[0], 200, "{name}");
        assert!(heard.text.contains(r#"{"events":[]}"#), "{name}");
        assert!(began.elapsed() < LONG_BEFORE_ITS_END, "{name}");
        waiting(&house, 0).await;
        if last {
            assert!(wire.listen(SOON).await.closed, "{name}");
        }
    }
}

#[actix_web::test]
async fn what_was_sent_behind_a_wait_is_served_after_it() {
    let (house, request) = with_one_place();
    let next = "GET /healthz HTTP/1.1\r\nHost: nexus.test\r\n\r\n";
    let mut wire = Wire::open(house.address).await;
    wire.say(format!("{request}\r\n{next}{}", &next[..9])).await;
    waiting(&house, 1).await;
    house.presigned().await;
    waiting(&house, 0).await;
    wire.say(&next[9..]).await;
    // one that only says that it has nothing more to send is answered
    wire.say_no_more().await;
    let heard = wire.listen(SOON).await;
    assert_eq!((heard.statuses, heard.closed), (vec![200; 3], true));
    assert!(heard.text.contains("raw_asset_presigned"), "{}", heard.text);

    // and sooner than it requested
    let mut wire = Wire::open(house.address).await;
    wire.say(format!("{}\r\n", request.replace('?', "?after=1&")))
        .await;
    waiting(&house, 1).await;
    let began = Instant::now();
    wire.say_no_more().await;
    let heard = wire.listen(SOON).await;
    assert_eq!((heard.statuses, heard.closed), (vec![200], true));
    assert!(heard.text.ends_with(r#"{"events":[]}"#), "{}", heard.text);
    assert!(began.elapsed() < LONG_BEFORE_ITS_END);
}

#[actix_web::test]
async fn who_waits_while_no_place_is_left_is_refused_and_who_does_not_wait_is_served() {
    let house = House::open_with(Parts {
        feed: FeedSettings {
            max_per_user: 2,
            ..seldom_looking().feed
        },
        ..seldom_looking()
    });
    let waits = || house.get(&format!("{FEED}?wait_seconds=20")).send();
    let others = async {
        waiting(&house, 2).await;
        let refused = waits().await;
        let expected = problem(
            429,
            "rate-limited",
            "Rate limited",
            "too many requests wait for events; try again later",
        );
        assert_eq!(refused.whole(), expected);
        assert_eq!(refused.header("retry-after"), Some("2"));
        let at_once = house.get(FEED).send().await;
        assert_eq!(at_once.whole(), (200, json!({"events": []})));
        house.presigned().await;
    };
    let ((one, two), ()) = join(join(waits(), waits()), others).await;
    assert_eq!((sequences(&one), sequences(&two)), (vec![1], vec![1]));
}

#[actix_web::test]
async fn a_catalogue_that_goes_away_is_reported_to_waiting_callers() {
    let house = House::open_with(Parts {
        request_timeout: Duration::from_mins(5),
        ..Parts::default()
    });
    let pulled = house.get(&format!("{FEED}?wait_seconds=20")).send();
    let goes = async {
        waiting(&house, 1).await;
        house.catalog.set_available(false);
    };
    let (pulled, ()) = join(pulled, goes).await;
    let expected = problem(
        503,
        "catalog-unavailable",
        "Catalogue unavailable",
        "the catalogue gives no answer; try again later",
    );
    assert_eq!(pulled.whole(), expected);
    assert_eq!(pulled.header("retry-after"), Some("2"));
    let at_once = house.get(FEED).send().await;
    assert_eq!(at_once.whole(), expected);
}

#[actix_web::test]
async fn a_service_that_ends_answers_who_waits_and_does_not_wait_for_the_rest() {
    let house = Arc::new(House::open_with(seldom_looking()));
    let pulled = house.get(&format!("{FEED}?wait_seconds=20")).send();
    let stops = async {
        waiting(&house, 1).await;
        let began = Instant::now();
        house.core.feed.stop();
        house.stop().await;
        began
    };
    let (pulled, began) = join(pulled, stops).await;
    assert_eq!(pulled.whole(), (200, json!({"events": []})));
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}
