//! The metrics of the program for Prometheus.

use std::time::{Duration, Instant};

use nexus_raw_testkit::Exposition;
use serde_json::json;

use crate::{
    caller::Caller,
    http::{Answer, Request},
    machine::{Machine, Server},
};

async fn scraped(server: &Server) -> (Answer, Exposition) {
    let answer = Request::new(server.metrics, "GET", "/metrics").send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = std::str::from_utf8(&answer.body).unwrap();
    let read = Exposition::parse(text).unwrap();
    (answer, read)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_is_counted_exactly_and_nobody_is_named() {
    let machine = Machine::new();
    let server = machine.start();
    let caller = Caller::owner_of("t_canary-tenant", &machine, &server);
    let first = caller.put("DSCN0010.jpg", b"a photograph").await.json();
    caller.put("secret-name.jpg", b"another photograph").await;
    let promised = b"a third one, never uploaded";
    caller.presign("c.jpg", promised).await;
    let promised = f64::from(u32::try_from(promised.len()).unwrap());
    let asset_id = first["asset_id"].as_str().unwrap();
    caller.get(&format!("/nexus/raw/{asset_id}")).await;
    caller.get("/nexus/raw/events?after=5&wait_seconds=1").await;
    caller.register(&json!({"asset_id": asset_id})).await;
    caller.register(&json!({"asset_id": "no-id"})).await;
    caller.get("/nexus/raw/secret-path/never/there").await;
    // all is delivered by then
    server.events(5);
    let began = Instant::now();
    let (answer, text) = loop {
        let (answer, text) = scraped(&server).await;
        // what is looked up every few seconds has seen the end, since an earlier look may have found
        // another open intent, and so has the sink's counter
        let open = ["nexus_raw_open_intents", "nexus_raw_open_intents_bytes"];
        let open = open.map(|name| text.value(name, &[]));
        let taken = text.value("nexus_raw_sink_events_total", &[("sink", "log")]);
        if open == [Some(1.0), Some(promised)] && taken == Some(5.0) {
            break (answer, text);
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{open:?} {taken:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    };

    let requests = |method, route, status| {
        let labels = [("method", method), ("route", route), ("status", status)];
        text.value("nexus_raw_http_requests_total", &labels)
    };
    for (method, route, status, count) in [
        ("POST", "/nexus/raw/presign-upload", "200", 3.0),
        ("POST", "/nexus/raw/register", "201", 2.0),
        ("POST", "/nexus/raw/register", "200", 1.0),
        ("POST", "/nexus/raw/register", "422", 1.0),
        ("GET", "/nexus/raw/{asset_id}", "200", 1.0),
        ("GET", "/nexus/raw/events", "200", 1.0),
        ("GET", "unmatched", "404", 1.0),
    ] {
        assert_eq!(
            requests(method, route, status),
            Some(count),
            "{method} {route} {status}"
        );
    }
    assert_eq!(text.series("nexus_raw_http_requests_total").count(), 7);

    let calls = |port: &str, operation, outcome| {
        let name = format!("nexus_raw_{port}_call_duration_seconds_count");
        text.value(&name, &[("operation", operation), ("outcome", outcome)])
    };
    for (port, operation, count) in [
        ("storage", "presign_upload", 3.0),
        ("storage", "stat", 2.0),
        ("catalog", "record_intent", 3.0),
        ("catalog", "register", 2.0),
        ("catalog", "find_asset", 1.0),
    ] {
        assert_eq!(
            calls(port, operation, "ok"),
            Some(count),
            "{port} {operation}"
        );
    }
    let groups = text.value("nexus_raw_catalog_group_calls_sum", &[]);
    // the relay's lease and cursor are written by groups too
    assert!(groups >= Some(5.0), "{groups:?}");
    let log = [("sink", "log")];
    assert_eq!(
        text.value("nexus_raw_outbox_parked_events", &log),
        Some(0.0)
    );
    assert_eq!(text.value("nexus_raw_relay_leader", &[]), Some(1.0));
    // the store is of this machine
    let offset = text.value("nexus_raw_clock_offset_seconds", &[]);
    assert!(
        offset.is_some_and(|it| (0.0..=2.0).contains(&it)),
        "{offset:?}"
    );
    assert_eq!(
        text.value("nexus_raw_feed_waiting_requests", &[]),
        Some(0.0)
    );
    assert_eq!(
        text.value("nexus_raw_http_requests_in_flight", &[]),
        Some(0.0)
    );
    let body = String::from_utf8(answer.body).unwrap();
    for hidden in [
        "canary", "secret", "u_demo", asset_id, "DSCN0010", "\"dev\"",
    ] {
        assert!(!body.contains(hidden), "{hidden}");
    }
}

/// A change that the request does not take to all descendants is left to a task.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unfinished_changes_of_consent_are_looked_for_all_the_time() {
    let machine = Machine::new();
    let server = machine.start();
    let began = Instant::now();
    loop {
        let (_, text) = scraped(&server).await;
        let labels = [("operation", "unfinished_consent"), ("outcome", "ok")];
        let name = "nexus_raw_catalog_call_duration_seconds_count";
        if text.value(name, &labels) >= Some(3.0) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // two pauses
    assert!(began.elapsed() > Duration::from_secs(1));
}
