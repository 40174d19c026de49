use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    run::{Ran, command, command_for, run},
    server::Server,
    stub::{Answer, Stub},
};

const SAID: &str = "by the token itself, not verified";

fn token(payload: &Value) -> String {
    format!(
        "e30.{}.c2VjcmV0",
        URL_SAFE_NO_PAD.encode(payload.to_string())
    )
}

fn accepting() -> Stub {
    Stub::start(|_, _| Answer::json(200, r#"{"assets":[],"next_cursor":null}"#))
}

#[test]
fn the_caller_is_printed_with_the_source_of_each_setting() {
    let stub = accepting();
    let directory = tempfile::tempdir().unwrap();
    let profile = directory.path().join("config.toml");
    std::fs::write(&profile, "\ntenant = \"t_a\"\n").unwrap();
    let payload = json!({
        "sub": "u_\u{1b}demo", "exp": 4_102_444_800_u64,
        "tenant_ids": ["t_a"], "role_map": {"t_a": "owner"},
    });
    let token = token(&payload);
    let mut command = command();
    command
        .env("NEXUS_RAW_SERVER", &stub.url)
        .env("NEXUS_RAW_CONFIG", &profile)
        .env("NEXUS_RAW_TOKEN", &token);
    let ran = run(&mut command, ["whoami", "--env", "dev"]);
    let expected = format!(
        "  server        {}/ (variable NEXUS_RAW_SERVER)
  tenant        t_a (profile {}, line 2)
  environment   dev (option --env)
  token         not shown (variable NEXUS_RAW_TOKEN)
  user          u_\\u{{1b}}demo ({SAID})
  role          owner in t_a ({SAID})
  ends          2100-01-01T00:00:00Z ({SAID})
  service       accepts the token for this tenant and environment
",
        stub.url,
        profile.display()
    );
    let ran_expected = Ran {
        exit: 0,
        out: expected,
        err: String::new(),
    };
    assert_eq!(ran, ran_expected);
    assert_eq!(stub.lines(), ["GET /nexus/raw?limit=1"]);

    let ran = run(&mut command, ["--json"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    let expected = json!({
        "server": {"value": format!("{}/", stub.url), "source": "variable", "from": "NEXUS_RAW_SERVER"},
        "tenant": {"value": "t_a", "source": "profile", "from": format!("{}, line 2", profile.display())},
        "env": {"value": "dev", "source": "option", "from": "--env"},
        "token": {
            "source": "variable",
            "from": "NEXUS_RAW_TOKEN",
            "claims": {
                "sub": "u_\u{1b}demo", "iss": null, "exp": "2100-01-01T00:00:00Z",
                "roles": {"t_a": "owner"}, "verified": false,
            },
        },
        "accepted": true,
    });
    assert_eq!((ran.exit, document), (0, expected));
    assert!(ran.out.lines().count() == 1 && !ran.out.contains(&token));
}

#[test]
fn what_the_service_answers_is_the_exit_code() {
    for (status, code, exit, verdict, accepted) in [
        (401, "unauthenticated", 6, "refuses the token", json!(false)),
        (403, "forbidden", 6, "refuses the token", json!(false)),
        (503, "catalog-unavailable", 5, "did not say", json!(null)),
        (404, "route-not-found", 4, "did not say", json!(null)),
    ] {
        let stub = Stub::start(move |_, _| {
            Answer::problem(
                status,
                &json!({"status": status, "code": code, "title": "T"}),
            )
        });
        let ran = run(&mut command_for(&stub.url), ["whoami"]);
        assert_eq!(ran.exit, exit, "{}", ran.err);
        assert!(
            ran.out.contains(&format!("  service       {verdict}")),
            "{}",
            ran.out
        );
        let error = format!("error: T ({status} {code})\n");
        assert!(ran.err.starts_with(&error), "{}", ran.err);
        let ran = run(&mut command_for(&stub.url), ["whoami", "--json"]);
        let document: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!((ran.exit, &document["accepted"]), (exit, &accepted));
    }
    let ran = run(&mut command_for("http://127.0.0.1:1"), ["whoami"]);
    assert_eq!(ran.exit, 5, "{}", ran.err);
    assert!(
        ran.out.starts_with("  server        http://127.0.0.1:1/ "),
        "{}",
        ran.out
    );
}

#[test]
fn a_token_that_cannot_be_read_has_ended_or_says_little_is_told() {
    let stub = accepting();
    for (token, lines) in [
        (
            "se.cr.et".to_owned(),
            "  user          unknown: the token has no payload that can be read, as a JSON Web Token has\n".to_owned(),
        ),
        (
            token(&json!({"sub": "u", "groups": ["t_demo"]})),
            format!("  role          not stated ({SAID})\n"),
        ),
        (
            token(&json!({"exp": 1, "tenant_ids": ["t_b"]})),
            format!(
                "  user          not stated ({SAID})\n  role          no member of t_demo ({SAID})\n  \
                 ends          1970-01-01T00:00:01Z, which has passed ({SAID})\n"
            ),
        ),
        (
            token(&json!({"sub": "u", "tenant_ids": ["t_demo"]})),
            format!(
                "  user          u ({SAID})\n  role          member of t_demo without a role ({SAID})\n  \
                 ends          not stated ({SAID})\n"
            ),
        ),
    ] {
        let mut command = command_for(&stub.url);
        let ran = run(command.env("NEXUS_RAW_TOKEN", &token), ["whoami"]);
        assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
        assert!(ran.out.contains(&lines), "{}", ran.out);
        assert!(!ran.out.contains(&token), "{}", ran.out);
    }
}

#[test]
fn a_token_of_embedded_mode_says_its_user_role_and_end() {
    let server = Server::start();
    let ran = run(&mut server.command(), ["whoami", "--json"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    let claims = &document["token"]["claims"];
    assert_eq!((ran.exit, &document["accepted"]), (0, &json!(true)));
    assert_eq!(
        (&claims["sub"], &claims["roles"]),
        (&json!("u_demo"), &json!({"t_demo": "owner"}))
    );
    assert!(claims["exp"].is_string(), "{claims}");
    let ran = run(&mut server.command(), ["whoami", "--tenant", "t_other"]);
    assert_eq!(ran.exit, 6, "{}", ran.out);
    assert!(
        ran.out.contains("  role          no member of t_other "),
        "{}",
        ran.out
    );
}
