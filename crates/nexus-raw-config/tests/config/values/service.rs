//! Listeners, environments, events and the log.

use nexus_raw_config::{EventEncoding, EventSink, LogFormat, LogLevel};
use secrecy::ExposeSecret;

use super::holds;
use crate::support::{errors, fault, loaded};

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
        "a list of up to 64 distinct origins such as https://app.example.com or capacitor://localhost, lower case, without a path or a default port; http only to loopback and names below localhost",
        &[
            "[]",
            r#"["https://a.example.com", "http://localhost:3000"]"#,
            r#"["https://a.example.com:8443", "http://127.0.0.1", "https://[2001:db8::1]"]"#,
            r#"["https://xn--bcher-kva.example"]"#,
            r#"["capacitor://localhost", "ionic://localhost", "tauri://localhost"]"#,
            r#"["http://app.localhost:3000", "http://tauri.localhost", "http://[::1]:3000"]"#,
            r#"["chrome-extension://jkbfgdfjhnkogcbmnpbbjkdgmibdlnjf", "app://host:8080"]"#,
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
            r#"["file://"]"#,
            r#"["file://localhost"]"#,
            r#"["capacitor://"]"#,
            r#"["capacitor://localhost/"]"#,
            r#"["capacitor://localhost/x"]"#,
            r#"["capacitor://Localhost"]"#,
            r#"["Capacitor://localhost"]"#,
            r#"["capacitor://*"]"#,
            r#"["capacitor://u@localhost"]"#,
            r#"["capacitor://a,b"]"#,
            r#"["capacitor:localhost"]"#,
            r#"["http://localhost.example.com"]"#,
            r#"["http://applocalhost"]"#,
            r#"["http://app.localhost:80"]"#,
            r#"["http://.localhost"]"#,
            r#"["ws://localhost:3000"]"#,
            r#"["wss://a.example.com"]"#,
            r#"["ftp://a.example.com"]"#,
            r#"["javascript://localhost"]"#,
            r#"["data:text/html,x"]"#,
            r#"["blob:https://a.example.com/x"]"#,
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
fn a_cors_header_is_a_name_and_no_pattern() {
    let names = |count: usize| {
        let names = (0..count).map(|n| format!("x-a{n}"));
        format!("{:?}", names.collect::<Vec<_>>())
    };
    holds(
        "http.cors_headers",
        "a list of up to 32 distinct names of headers, of 1 to 64 characters each, without a pattern",
        &[
            "[]",
            r#"["tracestate", "X-Datadog-Trace-Id", "b3"]"#,
            &format!(r#"["{}"]"#, "a".repeat(64)),
            &names(32),
        ],
        &[
            "",
            "tracestate",
            r#"["*"]"#,
            r#"["x-b3-*"]"#,
            r#"[""]"#,
            r#"["a b"]"#,
            r#"["a,b"]"#,
            r#"["a:"]"#,
            r#"["a\r\nb"]"#,
            r#"["tr\u00e9"]"#,
            r#"["b3", "B3"]"#,
            &format!(r#"["{}"]"#, "a".repeat(65)),
            &names(33),
            "[1]",
        ],
    );
    let default = loaded(&[]).http.cors_headers;
    assert_eq!(default, ["tracestate", "baggage", "sentry-trace"]);
}

#[test]
fn sinks_are_one_or_more_of_those_that_there_are_and_later_ones_say_so() {
    holds(
        "events.sinks",
        "a list of one or more of log, nats and http, each once",
        &[r#"["log"]"#],
        &["[]", r#"["log", "log"]"#, r#"["kafka"]"#, "log", "[1]"],
    );
    assert!(matches!(loaded(&[]).events.sinks[..], [EventSink::Log]));
}

#[test]
fn the_http_sink_has_a_url_a_form_and_perhaps_a_secret() {
    let url = "https://receiver.example.net/nexus?key=1";
    let secret = "a-secret-of-the-receiver-of-32-bytes";
    let more = [
        ("events.sinks", r#"["http", "log"]"#),
        ("events.http.url", url),
    ];
    let sinks = loaded(&more).events.sinks;
    let [EventSink::Http(receiver), EventSink::Log] = &sinks[..] else {
        panic!("{sinks:?}")
    };
    assert_eq!(receiver.url.as_url().as_str(), url);
    assert_eq!(receiver.encoding, EventEncoding::CloudEvents);
    assert!(receiver.hmac_secret.is_none());
    assert!(
        !format!("{sinks:?}").contains("receiver.example"),
        "{sinks:?}"
    );
    for (name, encoding) in [
        ("cloudevents", EventEncoding::CloudEvents),
        ("cloudevents-binary", EventEncoding::CloudEventsBinary),
        ("native", EventEncoding::Native),
        ("openlineage", EventEncoding::OpenLineage),
        ("openlineage-run", EventEncoding::OpenLineageRun),
    ] {
        let more = [
            more[0],
            more[1],
            ("events.http.encoding", name),
            ("events.http.hmac_secret", secret),
        ];
        let settings = loaded(&more);
        let EventSink::Http(receiver) = &settings.events.sinks[0] else {
            panic!("{settings:?}")
        };
        assert_eq!(receiver.encoding, encoding);
        let kept = receiver.hmac_secret.as_ref().unwrap();
        assert_eq!(kept.expose_secret(), secret);
        let shown = format!("{settings:?}{}", settings.effective_toml());
        assert!(
            !shown.contains("receiver.example") && !shown.contains(secret),
            "{shown}"
        );
    }
}

#[test]
fn the_nats_sink_has_a_server_and_a_form() {
    let url = "tls://nexus:of-the-server@nats.example.net:4222";
    let more = [
        ("events.sinks", r#"["log", "nats"]"#),
        ("events.nats.url", url),
    ];
    let settings = loaded(&more);
    let [EventSink::Log, EventSink::Nats(server)] = &settings.events.sinks[..] else {
        panic!("{settings:?}")
    };
    assert_eq!(server.url.as_url().as_str(), url);
    assert_eq!(server.encoding, EventEncoding::Native);
    let shown = format!("{settings:?}{}", settings.effective_toml());
    assert!(!shown.contains("of-the-server"), "{shown}");
    for (name, encoding) in [
        ("openlineage", EventEncoding::OpenLineage),
        ("openlineage-run", EventEncoding::OpenLineageRun),
    ] {
        let more = [more[0], more[1], ("events.nats.encoding", name)];
        let sinks = loaded(&more).events.sinks;
        let EventSink::Nats(server) = &sinks[1] else {
            panic!("{sinks:?}")
        };
        assert_eq!(server.encoding, encoding);
    }
}

#[test]
fn the_nats_server_is_reached_in_safety() {
    let with = |url| [("events.sinks", r#"["nats"]"#), ("events.nats.url", url)];
    for url in [
        "tls://nats.example.com",
        "tls://token@nats.example.com:4222",
        "nats://127.0.0.1:4222",
        "nats://user:password@localhost",
        "nats://[::1]:4222",
    ] {
        loaded(&with(url));
    }
    let rule = "must be a tls:// URL (nats:// only to loopback) of host and port, with user:password@ or token@ if the server requires it, and not a metadata or unspecified address";
    for url in [
        "nats://nats.example.com:4222",
        "tls://169.254.169.254",
        "tls://0.0.0.0",
        "tls://nats.example.com/x",
        "tls://nats.example.com?x",
        "https://nats.example.com",
        "ws://127.0.0.1",
        "nats.example.com:4222",
        "tls://a b",
        "tls://",
    ] {
        assert_eq!(errors(&with(url)), fault("events.nats.url", rule), "{url}");
    }
}

#[test]
fn the_receiver_of_events_is_reached_in_safety() {
    holds(
        "events.http.encoding",
        "cloudevents, cloudevents-binary, native, openlineage or openlineage-run",
        &["native", "openlineage-run"],
        &["CloudEvents", "json", "openlineage-run-event"],
    );
    let with = |url| [("events.sinks", r#"["http"]"#), ("events.http.url", url)];
    for url in ["https://hooks.example.com/x", "http://127.0.0.1:9000/x"] {
        loaded(&with(url));
    }
    let rule = "must be an https URL (http only to loopback) without user and fragment, and not a metadata or unspecified address";
    for url in [
        "http://hooks.example.com/x",
        "https://user:password@hooks.example.com/x",
        "https://169.254.169.254/x",
        "https://hooks.example.com/x#y",
        "hooks.example.com",
    ] {
        assert_eq!(errors(&with(url)), fault("events.http.url", rule), "{url}");
    }
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
