use std::sync::Arc;

use futures_util::FutureExt as _;
use nexus_raw::{
    ports::{Clock, IdentityVerifier},
    tenancy::{Environment, Scope, TenantId},
    time::Timestamp,
};
use nexus_raw_config::{EMBEDDED_AUDIENCE, EMBEDDED_ISSUER, EmbeddedMode};
use nexus_raw_identity_jwt::{JwtIdentityVerifier, JwtSettings, KeySettings};

use crate::run::{Ran, command, run};

#[derive(Debug)]
struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let since_1970 = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        Timestamp::UNIX_EPOCH.saturating_add(since_1970)
    }
}

fn verifier(embedded: &EmbeddedMode) -> JwtIdentityVerifier {
    let keys = KeySettings::Hs256 {
        secret: embedded.secrets().hs256_secret.clone(),
        previous: None,
    };
    let settings = JwtSettings::new(EMBEDDED_ISSUER, EMBEDDED_AUDIENCE, keys);
    JwtIdentityVerifier::new(settings, Arc::new(WallClock)).unwrap()
}

#[test]
fn a_token_proves_its_user_to_the_server_of_that_directory() {
    let directory = tempfile::tempdir().unwrap();
    let embedded = EmbeddedMode::prepare(directory.path()).unwrap();
    let ran = run(
        command().args([
            "token",
            "--tenant",
            "t_demo",
            "--role",
            "owner",
            "--data-dir",
        ]),
        [directory.path()],
    );
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let token = ran.out.strip_suffix('\n').unwrap();
    let verifier = verifier(&embedded);
    let principal = verifier.verify(token).now_or_never().unwrap().unwrap();
    assert_eq!(principal.user().as_str(), "u_demo");
    let scope = |tenant| Scope {
        tenant: TenantId::parse(tenant).unwrap(),
        environment: Environment::parse("dev").unwrap(),
    };
    assert!(principal.authorize_write(&scope("t_demo")).is_ok());
    assert!(principal.authorize_read(&scope("t_other")).is_err());
}

#[test]
fn user_role_and_time_to_live_are_as_requested() {
    let directory = tempfile::tempdir().unwrap();
    let embedded = EmbeddedMode::prepare(directory.path()).unwrap();
    let ran = run(
        command()
            .args([
                "token", "--tenant", "t_a", "--role", "viewer", "--user", "u_2",
            ])
            .args(["--ttl-seconds", "86400", "--data-dir"]),
        [directory.path()],
    );
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let verifier = verifier(&embedded);
    let token = ran.out.trim_end();
    let principal = verifier.verify(token).now_or_never().unwrap().unwrap();
    assert_eq!(principal.user().as_str(), "u_2");
    let scope = Scope {
        tenant: TenantId::parse("t_a").unwrap(),
        environment: Environment::parse("dev").unwrap(),
    };
    assert!(principal.authorize_read(&scope).is_ok());
    assert!(principal.authorize_write(&scope).is_err());
}

#[test]
fn a_token_that_would_live_too_long_is_not_made() {
    let directory = tempfile::tempdir().unwrap();
    EmbeddedMode::prepare(directory.path()).unwrap();
    for ttl in ["0", "86401"] {
        let ran = run(
            command()
                .args([
                    "token",
                    "--tenant",
                    "t_a",
                    "--role",
                    "owner",
                    "--ttl-seconds",
                    ttl,
                ])
                .arg("--data-dir"),
            [directory.path()],
        );
        assert_eq!(
            ran,
            Ran {
                exit: 2,
                out: String::new(),
                err: "error: cannot create a token: a token must be valid for 1 to 86400 seconds\n"
                    .to_owned(),
            }
        );
    }
}

#[test]
fn a_directory_where_no_server_has_started_is_reported_and_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let ran = run(
        command().args(["token", "--tenant", "t_a", "--role", "owner", "--data-dir"]),
        [&missing],
    );
    assert_eq!(
        ran,
        Ran {
            exit: 1,
            out: String::new(),
            err: format!(
                "error: cannot create a token: {} has no secrets yet; start the server in embedded mode first\n\
                 hint: --data-dir names the data directory of a server in embedded mode; without it, .nexus-raw in the current directory\n",
                missing.display()
            ),
        }
    );
    assert!(!missing.exists());
}
