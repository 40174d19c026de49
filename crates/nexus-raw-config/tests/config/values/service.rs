//! Listeners, environments, events and the log.

use nexus_raw_config::{EventSink, LogFormat, LogLevel};

use super::holds;
use crate::support::{fault, loaded, told};

#[test]
fn a_listener_is_an_ip_address_and_a_port() {
    let good = ["127.0.0.1:0", "0.0.0.0:8080", "[::1]:65535"];
    let bad = [
        "127.0.0.1",
        "localhost:8080",
        ":8080",
        "127.0.0.1:65536",
        " 127.0.0.1:1",
        "::1:80",
        "http://127.0.0.1:1",
    ];
    holds(
        "http.bind",
        "an IP address and a port, such as 127.0.0.1:8080",
        &good,
        &bad,
    );
    holds(
        "metrics.bind",
        "an IP address and a port, such as 127.0.0.1:8080",
        &good,
        &bad,
    );
}

#[test]
fn a_cors_origin_is_one_as_browsers_send_it() {
    let origins = |count: usize| {
        let origins = (0..count).map(|n| format!("https://a{n}.example.com"));
        format!("{:?}", origins.collect::<Vec<_>>())
    };
    holds(
        "http.cors_origins",
        "a list of up to 64 distinct origins such as https://app.example.com, lower case, without a path or a default port; http only to loopback",
        &[
            "[]",
            r#"["https://a.example.com", "http://localhost:3000"]"#,
            r#"["https://a.example.com:8443", "http://127.0.0.1", "https://[2001:db8::1]"]"#,
            r#"["https://xn--bcher-kva.example"]"#,
            &origins(64),
        ],
        &[
            "",
            "https://a.example.com",
            "*",
            r#"["*"]"#,
            r#"["null"]"#,
            r#"["https://a.example.com/"]"#,
            r#"["https://A.example.com"]"#,
            r#"["https://a.example.com:443"]"#,
            r#"["http://localhost:80"]"#,
            r#"["http://a.example.com"]"#,
            r#"["http://10.0.0.7:3000"]"#,
            r#"["https://*.example.com"]"#,
            r#"["https://a.example.com?"]"#,
            r#"["https://a.example.com/x"]"#,
            r#"["https://a.example.com#"]"#,
            r#"["https://b\u00fccher.example"]"#,
            r#"["https://a.example.com "]"#,
            r#"["https://"]"#,
            r#"["https:a.example.com"]"#,
            r#"["HTTPS://a.example.com"]"#,
            r#"["a.example.com"]"#,
            r#"[""]"#,
            r#"["https://a.example.com, https://b.example.com"]"#,
            &origins(65),
            r#"["https://u@a.example.com"]"#,
            r#"["https://a.example.com", "https://a.example.com"]"#,
            r#"["file:///x"]"#,
            "[1]",
            "[[]]",
            "[a]",
        ],
    );
}

#[test]
fn environments_are_one_to_sixteen_distinct_names() {
    let names = |count: usize| {
        format!(
            "{:?}",
            (0..count).map(|n| format!("e{n}")).collect::<Vec<_>>()
        )
    };
    holds(
        "tenancy.environments",
        "a list of 1 to 16 distinct names, each ^[a-z][a-z0-9-]{0,31}$",
        &[r#"["dev"]"#, "['a', 'b-1']", &names(16)],
        &[
            "",
            "[]",
            "dev",
            "dev,prod",
            "[dev]",
            r#"["Dev"]"#,
            r#"["1a"]"#,
            r#"["a_b"]"#,
            r#"["a", "a"]"#,
            r#"[""]"#,
            "[1]",
            r#"["a "]"#,
            &names(17),
            &format!("[\"{}\"]", "a".repeat(33)),
        ],
    );
    let settings = loaded(&[("tenancy.environments", r#"["test", "live"]"#)]);
    let names: Vec<_> = settings
        .tenancy
        .environments
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["test", "live"]);
}

#[test]
fn the_log_is_the_one_sink_and_later_ones_say_so() {
    holds(
        "events.sinks",
        r#"the list ["log"]"#,
        &[r#"["log"]"#],
        &["[]", r#"["log", "log"]"#, r#"["kafka"]"#, "log", "[1]"],
    );
    for later in [r#"["nats"]"#, r#"["log", "http"]"#] {
        assert_eq!(
            told(&[("events.sinks", later)]),
            fault(
                "events.sinks",
                "names a sink that is not available in this version: nats and http come later"
            )
        );
    }
    assert_eq!(loaded(&[]).events.sinks, [EventSink::Log]);
}

#[test]
fn the_log_has_three_forms_and_five_levels() {
    holds(
        "log.format",
        "json, terminal or auto",
        &["json", "terminal", "auto"],
        &["JSON", "text"],
    );
    holds(
        "log.level",
        "error, warn, info, debug or trace",
        &["error", "warn", "info", "debug", "trace"],
        &["INFO", "off", "3"],
    );
    let log = loaded(&[("log.format", "json"), ("log.level", "warn")]).log;
    assert_eq!((log.format, log.level), (LogFormat::Json, LogLevel::Warn));
}
