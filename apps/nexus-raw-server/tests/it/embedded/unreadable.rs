//! Heads that cannot be read, which nobody needs a token to send.

use std::time::{Duration, Instant};

use nexus_raw_testkit::Exposition;

use crate::{
    http::Request,
    machine::{Machine, Server},
    wire::Wire,
};

async fn counted(server: &Server, status: &str) -> Option<f64> {
    let answer = Request::new(server.metrics, "GET", "/metrics").send().await;
    let text = String::from_utf8(answer.body).unwrap();
    let text = Exposition::parse(&text).unwrap();
    let labels = [("listener", "api"), ("status", status)];
    text.value("nexus_raw_http_unreadable_heads_total", &labels)
}

/// Says each, on a connection of its own, and listens to the end.
async fn say(server: &Server) {
    let long = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(200_000));
    let host = "Host: nexus.test\r\n";
    for (said, status) in [
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400),
        (format!("G\0T /secret HTTP/1.1\r\n{host}\r\n"), 400),
        (format!("GET / HTTP/1.1\r\n{host}no colon\r\n\r\n"), 400),
        // as a TLS handshake begins
        ("\u{16}\u{3}\u{1}\0\u{1}\r\n\r\n".to_owned(), 400),
        (long, 431),
        ("GET / HTTP/1.1\r\nHos".to_owned(), 408),
        // a head that can be read, and a body that cannot
        (
            format!(
                "POST /nexus/raw/register HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nno\r\n"
            ),
            401,
        ),
    ] {
        let mut wire = Wire::open(server.address).await;
        wire.say(&said).await;
        let heard = wire.listen(Duration::from_secs(20)).await;
        let first = heard.statuses.first();
        assert_eq!(first, Some(&status), "{said:.60}: {heard:?}");
    }
}

#[tokio::test]
async fn heads_that_cannot_be_read_are_counted_and_are_no_lines_of_the_log() {
    let machine = Machine::new();
    let server = machine.start();
    let began = Instant::now();
    say(&server).await;
    // the time of a release, for which no other test waits
    let took = began.elapsed().as_secs_f64();
    assert!((9.5..20.0).contains(&took), "{took} s");
    assert_eq!(counted(&server, "400").await, Some(4.0));
    assert_eq!(counted(&server, "431").await, Some(1.0));
    assert_eq!(counted(&server, "408").await, Some(1.0));
    let (_, _, log) = server.stop();
    let refused: Vec<_> = log
        .iter()
        .filter(|line| !line.contains("\"INFO\""))
        .collect();
    // the one that was read, whose token was refused
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains("unauthenticated"), "{refused:?}");
}

#[tokio::test]
async fn at_debug_level_each_is_one_line_that_repeats_nothing_of_it() {
    let machine = Machine::new();
    let mut command = machine.embedded();
    command
        .env("NEXUS_RAW_LOG__LEVEL", "debug")
        .env("NEXUS_RAW_FAIL_POINT_HEAD_MILLIS", "500");
    let server = Machine::start_by(&mut command);
    say(&server).await;
    let (_, _, log) = server.stop();
    let rejected = log
        .iter()
        .filter(|line| line.contains("request head rejected"));
    let rejected: Vec<_> = rejected.collect();
    assert_eq!(rejected.len(), 6, "{rejected:?}");
    for line in rejected {
        assert!(
            line.contains("\"DEBG\"") || line.contains("\"DEBUG\""),
            "{line}"
        );
        assert!(!line.contains("secret") && line.len() < 300, "{line}");
    }
}
