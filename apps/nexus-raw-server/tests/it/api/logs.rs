//! What a hostile caller sends, and what of it comes into the log: one line, and nothing raw.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use nexus_raw::ports::{IdentityError, MockIdentityVerifier};
use nexus_raw_identity_jwt::{JwtIdentityVerifier, JwtSettings, KeySettings};
use nexus_raw_testkit::{FixedClock, sample};
use serde_json::{Value, json};

use super::{
    support::{House, Parts, TRACE_ID},
    trouble::Lines,
};

const PATH: &str = "/nexus/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

/// A part of every value that is sent.
const CANARY: &str = "c4n4ry";

/// The only line of the log, and that it is one of moderate length without what was sent.
fn only_line(lines: &Lines, sent: &str) -> Value {
    let text = lines.text();
    assert_eq!(text.lines().count(), 1, "{sent:?}: {text}");
    assert!(text.len() < 700, "{sent:?}: {text}");
    assert!(!text.contains(CANARY), "{sent:?}: {text}");
    assert!(
        !text.trim_end().contains(char::is_control),
        "{sent:?}: {text}"
    );
    serde_json::from_str(&text).unwrap()
}

fn house(lines: &Lines) -> House {
    let keys = KeySettings::Hs256 {
        secret: "s".repeat(32).into(),
        previous: None,
    };
    let settings = JwtSettings::new("https://issuer.test", "nexus-raw", keys);
    let clock = Arc::new(FixedClock::at(sample::now()));
    House::open_with(Parts {
        identity: Arc::new(JwtIdentityVerifier::new(settings, clock).unwrap()),
        log: lines.logger(),
        ..Parts::default()
    })
}

/// Anybody can send one: it is no failure of the service's own.
#[actix_web::test]
async fn a_token_that_cannot_be_judged_is_a_warning() {
    let mut identity = MockIdentityVerifier::new();
    identity
        .expect_verify()
        .returning(|_| Err(IdentityError::Unavailable("there are no keys".into())));
    let lines = Lines::default();
    let house = House::open_with(Parts {
        identity: Arc::new(identity),
        log: lines.logger(),
        ..Parts::default()
    });
    assert_eq!(house.get(PATH).send().await.status, 503);
    let line = only_line(&lines, "");
    assert_eq!(
        ["level", "msg", "status", "code", "error"].map(|name| line[name].clone()),
        [
            json!("WARN"),
            json!("refused"),
            json!(503),
            json!("identity-unavailable"),
            json!(
                "callers cannot be authenticated now: the credential cannot be verified now: there are no keys"
            ),
        ]
    );
}

#[actix_web::test]
async fn a_refused_token_is_one_line_that_has_nothing_of_it() {
    let claims = BASE64.encode(json!({"sub": CANARY, "iss": CANARY}).to_string());
    let token = |header: Value| format!("{}.{claims}.AAAA", BASE64.encode(header.to_string()));
    let deep = format!("{{\"{CANARY}\":{}{}}}", "[".repeat(64), "]".repeat(64));
    let header = json!({"alg": "HS256"});
    let refused = [
        CANARY.to_owned(),
        format!("{CANARY}.{CANARY}"),
        format!("{CANARY}.{CANARY}.{CANARY}.{CANARY}"),
        CANARY.repeat(2000),
        token(header.clone()),
        format!("{}=", token(header)),
        token(json!({"alg": CANARY})),
        token(json!({"alg": "none"})),
        token(json!({"alg": {CANARY: 1}})),
        token(json!({"alg": "HS256", "kid": format!("../{CANARY}")})),
        token(json!({"alg": "HS256", "kid": format!("{CANARY}' OR '1'='1")})),
        token(json!({"alg": "HS256", "kid": format!("{CANARY}\r\n\u{1b}[2J\u{0}\u{202e}")})),
        token(json!({"alg": "HS256", "kid": CANARY.repeat(800)})),
        token(json!({"alg": "HS256", "kid": [CANARY]})),
        token(json!({"alg": "HS256", "jku": format!("https://{CANARY}.test/")})),
        token(json!({"alg": "HS256", "jwk": {"kty": "oct", "k": CANARY}})),
        token(json!({"alg": "HS256", "crit": [CANARY]})),
        token(json!([CANARY])),
        format!("{}.{claims}.AAAA", BASE64.encode(deep)),
        format!("{}.{claims}.AAAA", BASE64.encode(b"\xff\x00c4n4ry")),
        format!(
            "{}.{claims}.AAAA",
            BASE64.encode(r#"{"c4n4ry":1,"c4n4ry":1}"#)
        ),
    ];
    let mut bodies = Vec::new();
    for token in refused {
        let lines = Lines::default();
        let house = house(&lines);
        let request = house.get(PATH);
        let bearer = format!("Bearer {token}");
        let answer = request.with("authorization", &bearer).send().await;
        assert_eq!(answer.status, 401, "{token}");
        bodies.push(answer.body);
        let line = only_line(&lines, &token);
        let members = [
            "level",
            "msg",
            "trace_id",
            "request_id",
            "method",
            "tenant_id",
            "user_id",
            "status",
            "code",
        ];
        assert_eq!(
            members.map(|name| line[name].clone()),
            [
                json!("WARN"),
                json!("refused"),
                json!(TRACE_ID),
                json!("req-1"),
                json!("GET"),
                Value::Null,
                Value::Null,
                json!(401),
                json!("unauthenticated"),
            ],
            "{token}"
        );
        let error = line["error"].as_str().unwrap();
        for part in token.split('.').filter(|part| part.len() > 4) {
            assert!(!error.contains(part), "{token}: {error}");
        }
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

#[actix_web::test]
async fn a_trace_or_request_id_that_is_none_is_not_logged() {
    let ids = [
        CANARY.repeat(1000),
        format!("{CANARY} \" }}"),
        format!("{CANARY}\\u001b[2J"),
        format!("{CANARY}\t"),
        format!("a\t{CANARY}"),
        format!("{CANARY}\u{202e}\u{e9}"),
        format!("00-{TRACE_ID}-00f067aa0ba902b7-01-{CANARY}"),
        format!("${{jndi:{CANARY}}}"),
        format!("{CANARY}%0d%0a"),
    ];
    for id in ids {
        let lines = Lines::default();
        let house = House::open_with(Parts {
            log: lines.logger(),
            ..Parts::default()
        });
        let request = house.get(PATH).with("x-request-id", &format!("{id}<"));
        let request = request.with("traceparent", &id).header("tracestate", &id);
        let answer = request.send().await;
        assert_eq!(answer.status, 404, "{id:?}");
        let line = only_line(&lines, &id);
        let fresh = answer.header("x-request-id").unwrap();
        assert_eq!((&line["request_id"], fresh.len()), (&json!(fresh), 36));
        assert_eq!(line["trace_id"], answer.json()["trace_id"], "{id:?}");
        assert!(line["trace_id"] != TRACE_ID, "{id:?}");
    }
    // HTTP itself takes no other control character
    for control in ["\u{0}", "\u{1b}[2J", "\u{7f}", "\r"] {
        let lines = Lines::default();
        let house = House::open_with(Parts {
            log: lines.logger(),
            ..Parts::default()
        });
        for name in ["x-request-id", "traceparent"] {
            let request = house.get(PATH).with(name, &format!("{CANARY}{control}a"));
            let status = request.send_to_the_end().await.map(|it| it.status);
            assert!(
                matches!(status, None | Some(400)),
                "{control:?}: {status:?}"
            );
        }
        // that a request could not be read is logged at debug level, without its text
        let text = lines.text();
        assert!(!text.contains(CANARY), "{text}");
        // the last line may be half written: the connection is closed before it is logged
        let (whole, _) = text.rsplit_once('\n').unwrap_or_default();
        for line in whole.lines() {
            assert!(line.contains("request head rejected"), "{line}");
        }
    }
}
