//! Public keys in the place of the embedded secret.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use nexus_raw_config::{EMBEDDED_AUDIENCE, EMBEDDED_ISSUER};
use serde_json::{Value, json};

use super::ends::ended;
use crate::{
    caller::Caller,
    http::Request,
    machine::{Machine, Server},
};

/// The public key of RFC 8037, appendix A.2.
const KEYS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "2026-11",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn with_keys<'a>(command: &'a mut Command, machine: &Machine, keys: &str) -> &'a mut Command {
    fs::write(machine.data_dir().with_file_name("jwks.json"), keys).unwrap();
    command
        .env("NEXUS_RAW_IDENTITY__JWKS_FILE", "jwks.json")
        .env("NEXUS_RAW_IDENTITY__ALGORITHM", "EdDSA")
}

#[tokio::test]
async fn where_a_jwks_is_given_the_embedded_secret_signs_nothing() {
    let machine = Machine::new();
    let server = Machine::start_by(with_keys(&mut machine.embedded(), &machine, KEYS));
    let caller = Caller::owner_of("t_demo", &machine, &server);
    let answer = caller.get("/nexus/raw/assets/none").await;
    assert_eq!(answer.status, 401);
}

/// An issuer that fails until the flag is set, and then publishes [`KEYS`].
fn issuer() -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let there = Arc::new(AtomicBool::new(false));
    let works = Arc::clone(&there);
    // it ends with the process
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            let (status, body) = if works.load(Ordering::SeqCst) {
                ("200 OK", KEYS)
            } else {
                ("503 Service Unavailable", "")
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, there)
}

/// A call with a token that has no fault as far as can be seen without a key, and this much time
/// left.
fn call(server: &Server, seconds_left: i64) -> Request {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let now = i64::try_from(now).unwrap();
    let part = |part: Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    let header = part(json!({"alg": "EdDSA", "kid": "2026-11"}));
    let claims = part(json!({
        "iss": EMBEDDED_ISSUER,
        "aud": EMBEDDED_AUDIENCE,
        "sub": "u_demo",
        "iat": now - 600,
        "exp": now + seconds_left,
        "tenant_ids": ["t_demo"],
    }));
    let token = format!("{header}.{claims}.{}", "A".repeat(86));
    Request::new(server.address, "GET", "/nexus/raw/assets/none")
        .header("authorization", &format!("Bearer {token}"))
        .header("x-tenant-id", "t_demo")
        .header("x-env", "dev")
}

#[tokio::test]
async fn keys_that_were_away_at_the_start_come_by_themselves_and_are_waited_for() {
    let (url, there) = issuer();
    let machine = Machine::new();
    let mut command = machine.embedded();
    command
        .env("NEXUS_RAW_IDENTITY__JWKS_URL", &url)
        .env("NEXUS_RAW_IDENTITY__ALGORITHM", "EdDSA");
    let server = Machine::start_by(&mut command);
    let readyz = || Request::new(server.address, "GET", "/readyz").send();
    let away = (503, "identity-unavailable".to_owned(), vec![]);
    let refused = (401, "unauthenticated".to_owned(), vec![]);
    for request in [
        Request::new(server.address, "GET", "/readyz"),
        call(&server, 600),
    ] {
        let answer = request.send().await;
        assert_eq!(answer.problem(), away);
        assert_eq!(answer.header("retry-after"), Some("2"));
    }
    for request in [
        call(&server, 600).without("authorization"),
        call(&server, 600).with("authorization", "Bearer a.b.c"),
        call(&server, -600),
    ] {
        assert_eq!(request.send().await.problem(), refused);
    }
    // without a request: no token brings them
    there.store(true, Ordering::SeqCst);
    let came = Instant::now();
    server.wait_for("token keys fetched");
    assert!(
        came.elapsed() < Duration::from_secs(5),
        "{:?}",
        came.elapsed()
    );
    assert_eq!(readyz().await.status, 200);
    // it is judged now: nobody has signed it
    assert_eq!(call(&server, 600).send().await.problem(), refused);
}

#[test]
fn a_key_that_is_not_used_is_logged_with_its_reason() {
    let machine = Machine::new();
    let mut keys: Value = serde_json::from_str(KEYS).unwrap();
    let good = keys["keys"][0].clone();
    for (name, value) in [("kid", json!("other-use")), ("use", json!("enc"))] {
        keys["keys"][0][name] = value;
    }
    keys["keys"].as_array_mut().unwrap().push(good);
    let mut command = machine.embedded();
    // it ends once the keys are read
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    command.env(
        "NEXUS_RAW_HTTP__BIND",
        taken.local_addr().unwrap().to_string(),
    );
    let (code, log) = ended(with_keys(&mut command, &machine, &keys.to_string()));
    assert_eq!(code, 69, "{log}");
    let lines: Vec<Value> = log.lines().flat_map(serde_json::from_str).collect();
    let lines: Vec<_> = lines.iter().filter(|it| it["library"] == true).collect();
    let reason = "key 1 (kid other-use): use is not sig";
    assert_eq!(lines.len(), 1, "{log}");
    assert_eq!(lines[0]["msg"], "JWKS key ignored");
    assert_eq!(lines[0]["reason"], reason);
}

#[test]
fn a_jwks_without_a_usable_key_ends_the_start_with_78() {
    let machine = Machine::new();
    let keys = r#"{"keys": [{"kty": "oct", "k": "AAAA"}]}"#;
    let (code, stderr) = ended(with_keys(&mut machine.embedded(), &machine, keys));
    assert_eq!(code, 78, "{stderr}");
    let reason = "the JWKS has no public key for the configured algorithm; key 1: kty is not OKP";
    assert!(stderr.contains(reason), "{stderr}");
    assert!(stderr.contains("identity.jwks_file: "), "{stderr}");
}

#[test]
fn a_missing_jwks_file_ends_the_start_with_78_and_names_its_key() {
    let machine = Machine::new();
    let mut command = machine.embedded();
    command
        .env("NEXUS_RAW_IDENTITY__JWKS_FILE", "missing.json")
        .env("NEXUS_RAW_IDENTITY__ALGORITHM", "EdDSA");
    let (code, stderr) = ended(&mut command);
    assert_eq!(code, 78, "{stderr}");
    assert!(stderr.contains("identity.jwks_file: "), "{stderr}");
}
