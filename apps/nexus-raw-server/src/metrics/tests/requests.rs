use std::time::Duration;

use actix_web::http::{Method, StatusCode};

use super::*;

#[test]
fn a_request_is_counted_by_route_method_and_status_and_never_by_what_callers_make_up() {
    let metrics = metrics();
    let requests = metrics.requests();
    let took = Duration::from_millis(30);
    for (method, status) in [("GET", 200), ("GET", 200), ("BREW", 405), ("get", 405)] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        requests.answered(&method, UNMATCHED, status, took);
    }
    let text = read(&metrics);
    let of = |method, status| {
        let labels = [
            ("method", method),
            ("route", "unmatched"),
            ("status", status),
        ];
        let total = text.value("nexus_raw_http_requests_total", &labels);
        let count = text.value("nexus_raw_http_request_duration_seconds_count", &labels);
        assert_eq!(total, count);
        total
    };
    assert_eq!([of("GET", "200"), of("other", "405")], [Some(2.0); 2]);
    assert_eq!(text.series("nexus_raw_http_requests_total").count(), 2);
    let labels = [
        ("le", "0.025"),
        ("method", "GET"),
        ("route", "unmatched"),
        ("status", "200"),
    ];
    let bucket = "nexus_raw_http_request_duration_seconds_bucket";
    assert_eq!(text.value(bucket, &labels), Some(0.0));
    let labels = [("le", "0.05"), labels[1], labels[2], labels[3]];
    assert_eq!(text.value(bucket, &labels), Some(2.0));
}

#[test]
fn a_request_is_in_flight_until_it_is_let_go() {
    let metrics = metrics();
    let flying = || read(&metrics).value("nexus_raw_http_requests_in_flight", &[]);
    let (one, two) = (metrics.requests().begin(), metrics.requests().begin());
    assert_eq!(flying(), Some(2.0));
    drop(one);
    drop(two);
    assert_eq!(flying(), Some(0.0));
}
