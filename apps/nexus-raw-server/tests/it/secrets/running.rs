//! The program while it serves.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use nexus_raw_config::{EMBEDDED_AUDIENCE, EMBEDDED_ISSUER, EmbeddedMode};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{
    calls::Caller,
    echoing_store::{EchoingStore, Fault, Kind},
    evidence::Evidence,
    machine::Machine,
    program::Program,
    tokens::{Issuer, Tokens},
};

/// The files in which embedded mode keeps its secrets.
pub(crate) const SECRET_FILES: [&str; 3] =
    ["hs256-secret", "s3-access-key-id", "s3-secret-access-key"];
pub(crate) const KEY_ID: &str = "ASIAKANARI.key+id=0";
pub(crate) const SECRET_KEY: &str = "kK\"1\\/+=<&%~canary-of-the-secret-access-key";
pub(crate) const SESSION: &str = "kS\"2\\/+=<&%~canary-of-the-session-token";
pub(crate) const SECRET: &str = "kH\"3\\/+=<&%~canary-of-the-hs256-secret-of-now";
pub(crate) const PREVIOUS: &str = "kP\"4\\/+=<&%~canary-of-the-hs256-secret-before";

/// As talkative as it can be.
fn talkative(command: &mut Command, format: &str) {
    command
        .env("NEXUS_RAW_LOG__LEVEL", "trace")
        .env("NEXUS_RAW_LOG__FORMAT", format)
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full");
}

fn know_tokens(evidence: &mut Evidence, tokens: &Tokens) {
    for (name, part) in tokens.parts() {
        evidence.canaries.add(&name, part);
    }
}

#[tokio::test]
async fn embedded_mode_shows_no_secret_as_json() {
    embedded_mode("json").await;
}

#[tokio::test]
async fn embedded_mode_shows_no_secret_on_a_terminal() {
    embedded_mode("terminal").await;
}

async fn embedded_mode(format: &str) {
    let machine = Machine::new();
    let mut evidence = Evidence::default();
    let mut command = machine.embedded();
    talkative(&mut command, format);
    let program = Program::start(&mut command).await;
    let mode = EmbeddedMode::open_existing(&machine.data_dir()).unwrap();
    let secrets = mode.secrets();
    let kept = [
        &secrets.hs256_secret,
        &secrets.s3_access_key_id,
        &secrets.s3_secret_access_key,
    ];
    for (name, secret) in SECRET_FILES.into_iter().zip(kept) {
        let file = machine.data_dir().join(name);
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        let content = fs::read_to_string(file).unwrap();
        assert_eq!(content.trim_end(), secret.expose_secret());
        evidence.canaries.add(name, secret.expose_secret());
    }
    let issuer = Issuer {
        name: EMBEDDED_ISSUER,
        audience: EMBEDDED_AUDIENCE,
        secret: secrets.hs256_secret.expose_secret(),
    };
    let tokens = issuer.tokens();
    know_tokens(&mut evidence, &tokens);
    let caller = Caller {
        server: program.address,
        tokens: &tokens,
    };

    caller.open_routes(&mut evidence).await;
    caller.misuse(&mut evidence).await;
    let presigned = caller.presign(&mut evidence).await;
    let again = caller.presign(&mut evidence).await;
    assert_eq!(again.asset_id, presigned.asset_id);
    let register = caller.register(&json!({"asset_id": presigned.asset_id}));
    let with_url = json!({
        "asset_id": presigned.asset_id, "lineage": {"derived_from": [], "source_uri": presigned.url},
    });
    let mut posted = presigned.upload();
    posted.line = posted.line.replace("PUT", "POST");
    let mut moved = presigned.upload();
    moved.line = moved.line.replace("DSCN0010", "DSCN0011");
    let mut patched = presigned.upload();
    patched.line = patched.line.replace("PUT", "PATCH");
    for (name, status, request) in [
        ("another body under the key", 422, caller.reuse_key()),
        ("register before the upload", 409, register.clone()),
        ("register the signed URL", 422, caller.register(&with_url)),
        (
            "upload other bytes",
            400,
            presigned.upload().body(b"possibly a photograph!"),
        ),
        (
            "upload another type",
            403,
            presigned.upload().with("content-type", "image/png"),
        ),
        (
            "upload without a header",
            403,
            presigned.upload().without("if-none-match"),
        ),
        ("upload elsewhere", 403, moved),
        ("upload by POST", 405, posted),
        ("upload by PATCH", 403, patched),
        (
            "upload with a token",
            400,
            presigned.upload().header("authorization", &tokens.owner),
        ),
        ("upload", 200, presigned.upload()),
        ("upload again", 412, presigned.upload()),
        ("register", 201, register),
        (
            "record",
            200,
            caller.get(&format!("/nexus/raw/{}", presigned.asset_id)),
        ),
        (
            "events",
            200,
            caller.get(&format!("/nexus/raw/{}/events", presigned.asset_id)),
        ),
    ] {
        let answer = request.send().await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        evidence.take_answer(name, &answer);
    }

    program.take_metrics(&mut evidence).await;
    program.take_arguments(&mut evidence);
    evidence.take_files(&machine.data_dir(), &SECRET_FILES);
    program.end(&mut evidence);
    evidence.take_files(&machine.data_dir(), &SECRET_FILES);
    evidence.assert_shows_no_secret();
}

/// Configured by secret files and by the SDK's own variables, before a store that echoes.
#[tokio::test]
async fn a_store_that_echoes_what_it_is_sent_makes_no_secret_known() {
    let machine = Machine::new();
    let store = EchoingStore::start();
    let mut evidence = Evidence::default();
    for (name, secret) in [
        ("key id", KEY_ID),
        ("secret key", SECRET_KEY),
        ("session token", SESSION),
        ("secret", SECRET),
        ("previous secret", PREVIOUS),
    ] {
        evidence.canaries.add(name, secret);
    }
    let files = machine.data_dir().with_file_name("secrets");
    fs::create_dir(&files).unwrap();
    fs::write(files.join("now"), SECRET).unwrap();
    fs::write(files.join("before"), PREVIOUS).unwrap();
    fs::create_dir(machine.data_dir()).unwrap();
    let mut command = machine.program();
    talkative(&mut command, "json");
    command.envs([
        ("NEXUS_RAW_STORAGE__BUCKET", "nexus-raw"),
        ("NEXUS_RAW_STORAGE__REGION", "eu-central-1"),
        ("NEXUS_RAW_STORAGE__ENDPOINT", &store.endpoint),
        ("NEXUS_RAW_STORAGE__FORCE_PATH_STYLE", "true"),
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_SESSION_TOKEN", SESSION),
        ("NEXUS_RAW_CATALOG__URL", "sqlite:data/catalog.sqlite"),
        ("NEXUS_RAW_IDENTITY__ISSUER", "https://issuer.example"),
        ("NEXUS_RAW_IDENTITY__AUDIENCE", "nexus-raw"),
        ("NEXUS_RAW_IDENTITY__HS256_SECRET_FILE", "secrets/now"),
        (
            "NEXUS_RAW_IDENTITY__HS256_PREVIOUS_SECRET_FILE",
            "secrets/before",
        ),
    ]);
    let program = Program::start(&mut command).await;
    let issuer = Issuer {
        name: "https://issuer.example",
        audience: "nexus-raw",
        secret: SECRET,
    };
    let tokens = issuer.tokens();
    let of_before = Issuer {
        secret: PREVIOUS,
        ..issuer
    }
    .tokens();
    know_tokens(&mut evidence, &tokens);
    know_tokens(&mut evidence, &of_before);
    let caller = |tokens| Caller {
        server: program.address,
        tokens,
    };
    let presigned = caller(&of_before).presign(&mut evidence).await;
    let leave_of_now = caller(&tokens).presign(&mut evidence).await;
    assert!(presigned.url.contains("X-Amz-Security-Token="));
    for (name, fault) in [
        ("taken", Fault::Status(200)),
        ("moved", Fault::Status(307)),
        ("malformed", Fault::Status(400)),
        ("refused", Fault::Status(403)),
        ("conflict", Fault::Status(409)),
        ("failed", Fault::Status(500)),
        ("unavailable", Fault::Status(503)),
        ("malformed", Fault::Malformed),
        ("cut", Fault::Cut),
    ] {
        for (kind, request) in [
            (
                Kind::Head,
                caller(&tokens).register(&json!({"asset_id": leave_of_now.asset_id})),
            ),
            (Kind::Bucket, caller(&tokens).get("/readyz")),
        ] {
            store.fail(kind, fault);
            let answer = request.send().await;
            evidence.take_answer(format!("{name} {kind:?}"), &answer);
        }
    }
    let events = caller(&tokens).get(&format!("/nexus/raw/{}/events", presigned.asset_id));
    let events = events.send().await;
    assert_eq!(events.status, 200);
    evidence.take_answer("events", &events);
    store.know_signatures(&mut evidence);
    program.take_metrics(&mut evidence).await;
    program.take_arguments(&mut evidence);
    evidence.take_files(&machine.data_dir(), &[]);
    program.end(&mut evidence);
    evidence.take_files(&machine.data_dir(), &[]);
    evidence.assert_shows_no_secret();
}
