//! Of any caller's value in any place, no character comes raw into a line of the log or of the
//! events that could hide, reorder or break what is read there.

use nexus_raw::{
    tenancy::{Role, UserId},
    text::is_invisible,
};
use serde_json::{Value, json};

use crate::{
    caller::Caller,
    http::Request,
    machine::{Machine, Server},
};

/// Overrides and isolates of direction, separators of lines, C1 controls, what has no width, what is
/// no character.
const HIDES: &str = "h\u{202e}\u{2066}\u{2028}\u{2029}\u{85}\u{9b}31m\u{200b}\u{feff}\u{ad}\u{61c}\u{fdd0}\u{10ffff}i";
/// What JSON lets a caller send besides.
const CONTROLS: &str = "c\u{1}\u{7}\u{8}\t\r\n\u{1b}[2J\u{7f}d";

const ASSET: &str = "/nexus/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

async fn send_in_headers(caller: &Caller) {
    for name in [
        "x-request-id",
        "traceparent",
        "tracestate",
        "baggage",
        "x-tenant-id",
        "x-env",
        "authorization",
        "idempotency-key",
        "content-type",
        "content-encoding",
        "user-agent",
        "referer",
        "origin",
        "host",
        "cookie",
        "forwarded",
        "x-forwarded-for",
        "if-none-match",
        "expect",
        "te",
    ] {
        for request in [
            caller.request("GET", ASSET),
            caller.posting("/nexus/raw/register"),
        ] {
            // answered, or the connection closed: some of it is not valid HTTP
            let _ = request
                .with(name, HIDES)
                .json(&json!({}))
                .send_to_the_end()
                .await;
        }
        let request = caller.request("GET", ASSET);
        let _ = request.header(HIDES, "a").send_to_the_end().await;
    }
    for controls in ["\u{1b}[2J", "\u{7f}", "\u{1}", "\u{0}", "\ta\t"] {
        let request = caller.request("GET", ASSET);
        let _ = request
            .with("x-request-id", controls)
            .send_to_the_end()
            .await;
    }
}

async fn send_in_lines(server: &Server, caller: &Caller) {
    let encoded = HIDES.bytes().map(|byte| format!("%{byte:02x}"));
    let encoded = encoded.collect::<Vec<_>>().concat();
    for target in [
        format!("/{HIDES}"),
        format!("/{encoded}"),
        format!("/nexus/raw/{HIDES}"),
        format!("/nexus/raw/{encoded}"),
        format!("/nexus/raw/events?{HIDES}=1"),
        format!("/nexus/raw/events?after={encoded}&{encoded}=1"),
        format!("http://{HIDES}/nexus/raw/events"),
    ] {
        let _ = caller.request("GET", &target).send_to_the_end().await;
        let _ = Request::new(server.address, "GET", &target)
            .send_to_the_end()
            .await;
    }
    for method in [HIDES.to_owned(), format!("GET{HIDES}"), encoded] {
        let _ = caller.request(&method, ASSET).send_to_the_end().await;
    }
}

async fn send_in_bodies(caller: &Caller) {
    for text in [HIDES, CONTROLS] {
        let promise = json!({"filename": text, "content_type": text, "size_bytes": text, "sha256": text, text: text});
        let answer = caller.post("/nexus/raw/presign-upload", &promise).await;
        assert_eq!(answer.status, 422);
        let statement = json!({
            "asset_id": text,
            "filename": text,
            "content_type": text,
            "captured_at": text,
            "lineage": {"derived_from": [text], "source_uri": format!("https://a.example/{text}"), text: text},
            "pii_flags": [text],
            "labels": {text: text},
            text: text,
        });
        let answer = caller.post("/nexus/raw/register", &statement).await;
        assert_eq!(answer.status, 422);
        let body = caller
            .posting("/nexus/raw/register")
            .body(text)
            .send()
            .await;
        assert_eq!(body.status, 400);
    }
}

/// What callers may say in their own words.
async fn register_with(caller: &Caller, words: &str) -> Value {
    let upload = caller
        .presign("\u{645}\u{6cc}\u{200c}\u{62e}.pdf", b"content")
        .await;
    assert_eq!(upload.put(b"content").await, 200);
    let statement = json!({
        "asset_id": upload.asset_id,
        "lineage": {"activity": words},
        "labels": {"words": words},
    });
    let answer = caller.register(&statement).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    answer.json()
}

#[tokio::test]
async fn nothing_that_a_caller_sends_hides_reorders_or_breaks_a_line() {
    let machine = Machine::new();
    let mut program = machine.embedded();
    let server = Machine::start_by(program.env("NEXUS_RAW_LOG__LEVEL", "trace"));
    let caller = Caller::owner_of("t_demo", &machine, &server);

    // the user of a token, also of one that an issuer signed unchecked
    let user = UserId::from_stored("u\u{202e}\u{2028}\u{200d}\u{ffff}x").unwrap();
    let token = machine.token_of(user, &["t_demo"], Role::Owner);
    let bearer = format!("Bearer {token}");
    let answer = caller
        .request("GET", ASSET)
        .with("authorization", &bearer)
        .send()
        .await;
    assert_eq!(answer.status, 401);

    send_in_headers(&caller).await;
    send_in_lines(&server, &caller).await;
    send_in_bodies(&caller).await;
    let words = format!("{HIDES}{CONTROLS}");
    let record = register_with(&caller, &words).await;
    assert_eq!(record["lineage"]["activity"], json!(words));

    let (status, output, log) = server.stop();
    assert_eq!(status.code(), Some(0));
    assert!(log.len() > 50, "{log:?}");
    for line in output.iter().chain(&log) {
        assert!(!line.chars().any(is_invisible), "{line:?}");
        serde_json::from_str::<Value>(line).unwrap();
    }
    // an accepted value is delivered unchanged
    let lines = output
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let registered: Vec<_> = lines
        .map(|line| line["event"].clone())
        .filter(|event| event["event_type"] == "raw_asset_registered")
        .collect();
    assert_eq!(registered.len(), 1);
    assert_eq!(registered[0]["lineage"]["activity"], json!(words));
    assert_eq!(registered[0]["uri"], record["uri"]);
}
