//! The token and the signed URL pass through the command, and neither comes out of it.

use std::{fs, net::TcpListener};

use nexus_raw_testkit::Canaries;
use serde_json::json;

use crate::{
    run::{ID, Ran, command, command_for, record, run},
    service::file,
    stub::{Answer, Received, Stub},
};

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.canary-of-claims.canary-of-the-tokens-signature";
const QUERY: &str =
    "X-Amz-Credential=canary-of-the-credential%2Fx&X-Amz-Signature=ca4a41ca4a41ca4a41";

fn canaries() -> Canaries {
    let mut canaries = Canaries::new();
    canaries.add("token", "canary-of-claims");
    canaries.add("token's signature", "canary-of-the-tokens-signature");
    canaries.add("credential", "canary-of-the-credential");
    canaries.add("signature", "ca4a41ca4a41ca4a41");
    canaries
}

/// Runs `put` at the highest log level of its libraries, and searches its output.
fn put(server: &str, retries: &str) -> Ran {
    let (_directory, path) = file("DSCN0010.jpg");
    let mut command = command_for(server);
    command
        .env("NEXUS_RAW_TOKEN", TOKEN)
        .env("NEXUS_RAW_RETRIES", retries)
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full");
    let ran = run(&mut command, ["put".as_ref(), path.as_os_str()]);
    canaries().assert_none_in("put", format!("{}\n{}", ran.out, ran.err));
    ran
}

fn presigned(url: &str) -> Answer {
    let upload =
        json!({"kind": "single", "method": "PUT", "url": url, "headers": {"if-none-match": "*"}});
    let body = json!({"asset_id": ID, "uri": "s3://bucket/key", "upload": upload});
    Answer::json(200, body.to_string())
}

/// A service whose store answers by `store`, which sees what it was sent.
fn with_store(store: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Stub {
    Stub::start(move |request: &Received, _| match request.target.as_str() {
        "/nexus/raw/presign-upload" => presigned(&format!(
            "http://{}/bucket/key?{QUERY}",
            request.header("host").unwrap()
        )),
        "/nexus/raw/register" => Answer::json(201, record()),
        _ => store(&format!("{request:?}").replace('\n', " ")),
    })
}

#[test]
fn an_upload_accepted_or_refused_shows_neither_secret() {
    for (status, exit) in [
        (200, 0),
        (412, 0),
        (301, 4),
        (307, 4),
        (400, 4),
        (403, 4),
        (404, 4),
        (500, 5),
        (503, 5),
    ] {
        let stub = with_store(move |sent| {
            Answer::empty(status)
                .with("x-amz-request-id", sent)
                .with("location", format!("http://127.0.0.1:1/?{QUERY}"))
                .body(format!(
                    "<Error><Code>{sent}</Code><Message>{sent}</Message></Error>"
                ))
        });
        assert_eq!(put(&stub.url, "1").exit, exit, "{status}");
        assert!(stub.lines().contains(&format!("PUT /bucket/key?{QUERY}")));
    }
}

#[test]
fn an_upload_without_a_response_shows_neither_secret() {
    // a port that was free a moment ago, and that nobody listens on
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    for (url, exit) in [
        (format!("http://{nobody}/bucket/key?{QUERY}"), 5),
        (format!("https://{nobody}/bucket/key?{QUERY}"), 5),
        (format!("ftp://{nobody}/bucket/key?{QUERY}"), 1),
        (format!("http://[{nobody}/bucket/key?{QUERY}"), 1),
        (format!("/bucket/key?{QUERY}"), 1),
    ] {
        let stub = Stub::start(move |_, _| presigned(&url));
        let ran = put(&stub.url, "0");
        assert!(ran.exit != 0, "{exit}: {ran:?}");
    }
}

#[test]
fn a_malformed_response_shows_neither_secret() {
    let url = format!("http://127.0.0.1:1/?{QUERY}");
    for body in [
        format!("{{\"asset_id\": \"{ID}\", \"upload\": {{\"url\": \"{url}\""),
        json!({"asset_id": ID, "upload": {"url": [url]}}).to_string(),
        json!({"asset_id": url, "upload": {"url": url, "kind": "single", "method": "PUT"}})
            .to_string(),
        json!({"asset_id": ID, "upload":
            {"url": url, "kind": "single", "method": url, "headers": {}}})
        .to_string(),
        json!({"asset_id": ID, "upload":
            {"url": url, "kind": "single", "method": "PUT", "headers": {url.as_str(): url}}})
        .to_string(),
        url.clone(),
    ] {
        let stub = Stub::start(move |_, _| Answer::json(200, body.clone()));
        assert_eq!(put(&stub.url, "0").exit, 1);
    }
    for status in [302, 401, 403, 500] {
        let stub = Stub::start(move |request, _| {
            let token = request.header("authorization").unwrap();
            assert_eq!(token, format!("Bearer {TOKEN}"));
            Answer::empty(status).with("location", token).body(token)
        });
        assert_ne!(put(&stub.url, "0").exit, 0);
    }
}

#[test]
fn help_and_usage_errors_do_not_show_the_token() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, format!("{TOKEN}\n{TOKEN}")).unwrap();
    let by_file = path.to_str().unwrap();
    for args in [
        &["--help"][..],
        &["put", "--help"],
        &["show", "-h"],
        &["events", "--help"],
        &["show", "no-id"],
        &["show", ID, "--tenant", "No"],
        &["show", ID, "--token-file", by_file],
        &["show", ID, "--token-file", "/no/such/file"],
        &["show", ID, "--server", "http://raw.example.test"],
        &["put", "/no/such/file"],
        &["completions", "bash"],
        &["man"],
        &["man", "put"],
        &["whoami"],
        &["whoami", "--json"],
        &["whoami", "--tenant", "No"],
    ] {
        let mut command = command_for("http://127.0.0.1:1");
        let ran = run(command.env("NEXUS_RAW_TOKEN", TOKEN), args);
        let place = format!("{args:?}");
        canaries().assert_none_in(&place, format!("{}\n{}", ran.out, ran.err));
    }
}

/// The token is printed; the secret that signs it is not.
#[test]
fn the_token_command_prints_a_token_and_never_the_secret() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let mode = nexus_raw_config::EmbeddedMode::prepare(&data_dir).unwrap();
    let mut canaries = Canaries::new();
    for name in ["hs256-secret", "s3-access-key-id", "s3-secret-access-key"] {
        let secret = fs::read_to_string(data_dir.join(name)).unwrap();
        canaries.add(name, secret.trim_end());
    }
    let mut command = command();
    command.args([
        "token",
        "--tenant",
        "t_demo",
        "--role",
        "owner",
        "--data-dir",
    ]);
    let ran = run(&mut command, [mode.data_dir()]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out.trim_end().split('.').count(), 3, "{}", ran.out);
    canaries.assert_none_in("token", &ran.out);

    let secret = data_dir.join("hs256-secret");
    let damaged = fs::read_to_string(&secret).unwrap().replace('\n', " \n");
    fs::write(&secret, damaged).unwrap();
    let mut command = self::command();
    command.args([
        "token",
        "--tenant",
        "t_demo",
        "--role",
        "owner",
        "--data-dir",
    ]);
    let ran = run(&mut command, [&data_dir]);
    assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{}", ran.err);
    canaries.assert_none_in("a damaged secret", &ran.err);
}
