//! The listener of metrics.

use std::{net::SocketAddr, time::Duration};

use actix_web::dev::ServerHandle;
use nexus_raw_server::http;
use nexus_raw_testkit::Exposition;
use slog::{Discard, Logger, o};

use super::{
    support::{Answer, House, Request},
    wire::Wire,
};

/// A listener beside the service, until it is dropped.
struct Listener(SocketAddr, ServerHandle);

impl Listener {
    fn beside(house: &House) -> Self {
        let any = ([127, 0, 0, 1], 0).into();
        let log = Logger::root(Discard, o!());
        let (server, address) = http::bind_metrics(any, house.metrics.clone(), log).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self(address, handle)
    }

    async fn send(&self, method: &str, target: &str) -> Answer {
        Request::new(self.0, method, target).send().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.1.stop(false));
    }
}

#[actix_web::test]
async fn metrics_are_returned_to_any_caller_of_their_address() {
    let house = House::open();
    let listener = Listener::beside(&house);
    house.presigned().await;
    let head = house.request("HEAD", "/nexus/raw/x").send().await;
    assert_eq!(head.status, 404);
    let answer = listener.send("GET", "/metrics").await;
    let length = answer.body.len().to_string();
    let headers = [
        ("cache-control", "no-store"),
        ("connection", "close"),
        ("content-length", &*length),
        ("content-type", "text/plain; version=0.0.4; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
    ];
    assert_eq!(
        (answer.status, answer.steady_headers()),
        (200, headers.to_vec())
    );
    let text = Exposition::parse(std::str::from_utf8(&answer.body).unwrap()).unwrap();
    let series: Vec<_> = text.series("nexus_raw_http_requests_total").collect();
    let series: Vec<_> = series
        .iter()
        .map(|(labels, value)| {
            (
                &*labels["method"],
                &*labels["route"],
                &*labels["status"],
                *value,
            )
        })
        .collect();
    assert_eq!(
        series,
        [
            ("HEAD", "/nexus/raw/{asset_id}", "404", 1.0),
            ("POST", "/nexus/raw/presign-upload", "200", 1.0),
        ]
    );
    let head = listener.send("HEAD", "/metrics").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[actix_web::test]
async fn there_is_nothing_but_metrics_at_their_address_and_none_at_the_api_s() {
    let house = House::open();
    let listener = Listener::beside(&house);
    for (method, target, status) in [
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/healthz", 404),
        ("GET", "/nexus/raw/presign-upload", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/metrics", 405),
    ] {
        let answer = listener.send(method, target).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (status, 0),
            "{method} {target}"
        );
        let allow = (status == 405).then_some("GET, HEAD");
        assert_eq!(answer.header("allow"), allow);
    }
    let answer = house.get("/metrics").send().await;
    assert_eq!(
        answer.problem(),
        (404, "route-not-found".to_owned(), vec![])
    );
}

#[actix_web::test]
async fn a_connection_for_metrics_is_held_to_the_rules_of_the_api_s() {
    let house = House::open();
    let listener = Listener::beside(&house);
    let scrape = "GET /metrics HTTP/1.1\r\nHost: nexus.test\r\n\r\n";
    let mut wire = Wire::open(listener.0).await;
    wire.say(scrape.repeat(2)).await;
    let heard = wire.listen(Duration::from_secs(1)).await;
    assert_eq!((heard.statuses, heard.closed), (vec![200, 200], false));
    // a host that names none
    let mut wire = Wire::open(listener.0).await;
    wire.say("GET /metrics HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n")
        .await;
    let heard = wire.listen(Duration::from_secs(5)).await;
    assert_eq!((heard.statuses, heard.closed), (vec![400], true));
}
