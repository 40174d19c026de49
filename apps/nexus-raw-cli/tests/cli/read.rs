use serde_json::json;

use crate::{
    run::{ID, RECORD_TEXT, Ran, TOKEN, command_for, record, run},
    stub::{Answer, Stub},
};

fn done(out: impl Into<String>) -> Ran {
    Ran {
        exit: 0,
        out: out.into(),
        err: String::new(),
    }
}

#[test]
fn show_prints_the_record() {
    let stub = Stub::start(|_, _| Answer::json(200, record()));
    assert_eq!(
        run(&mut command_for(&stub.url), ["show", ID]),
        done(RECORD_TEXT)
    );
    assert_eq!(stub.lines(), [format!("GET /nexus/raw/{ID}")]);
    let request = &stub.requests()[0];
    assert_eq!(
        request.header("authorization"),
        Some(&*format!("Bearer {TOKEN}"))
    );
    assert_eq!(request.header("x-tenant-id"), Some("t_demo"));
    assert_eq!(request.header("x-env"), Some("dev"));
    assert_eq!(request.header("content-type"), None);
}

const IN_FORCE: &str = r#"{"train_ok":true,"train_ok_effective":true,"withheld_by":[],"pii_flags":[],"labels":{},"license":null,"rights_holder":null,"scan":null,"c2pa":null}"#;

const LINEAGE: &str = r#"{"asset_id":"ID","nodes":[{"asset_id":"ID","filename":"a","train_ok":true,"train_ok_effective":true}],"edges":[],"truncated":false}"#;

#[test]
fn an_asset_is_named_by_its_id_in_any_case_or_by_its_uri() {
    let uri = format!("s3://bucket/tenants/t_demo/dev/raw/{ID}/a name, s3.jpg");
    for name in [&ID.to_uppercase(), &uri] {
        let stub = Stub::start(|request, _| {
            Answer::json(
                200,
                match &request.target {
                    it if it.contains("/events") => r#"{"events":[]}"#.to_owned(),
                    it if it.contains("/facts") => {
                        format!(r#"{{"facts":[],"in_force":{IN_FORCE}}}"#)
                    }
                    it if it.contains("/lineage") => LINEAGE.replace("ID", ID),
                    _ => record(),
                },
            )
        });
        for command in ["show", "events", "facts", "lineage"] {
            assert_eq!(run(&mut command_for(&stub.url), [command, name]).exit, 0);
        }
        let [show, events, facts, lineage] = &stub.lines()[..] else {
            panic!("{:?}", stub.lines());
        };
        assert_eq!(*show, format!("GET /nexus/raw/{ID}"));
        for (line, route) in [(events, "events"), (facts, "facts"), (lineage, "lineage")] {
            assert!(line.starts_with(&format!("GET /nexus/raw/{ID}/{route}?")));
        }
    }
}

/// As `| head` does.
#[test]
fn a_reader_that_closes_its_pipe_ends_the_command_quietly() {
    let page = format!(
        "{{\"assets\":[{}],\"next_cursor\":null}}",
        vec![record(); 1000].join(",")
    );
    // more than a pipe holds
    let labels: Vec<_> = (0..2000)
        .map(|n| format!("\"k{n}\":\"{n:0100}\""))
        .collect();
    let in_force = IN_FORCE.replace("{}", &format!("{{{}}}", labels.join(",")));
    let facts = format!("{{\"facts\":[],\"in_force\":{in_force}}}");
    let name = format!("\"{}\"", "a".repeat(200_000));
    let lineage = LINEAGE.replace("ID", ID).replace("\"a\"", &name);
    for (args, answer) in [
        (&["ls", "--json"][..], page),
        (&["facts", ID], facts.clone()),
        (&["facts", ID, "--json"], facts),
        (&["lineage", ID], lineage.clone()),
        (&["lineage", ID, "--json"], lineage),
    ] {
        let stub = Stub::start(move |_, _| Answer::json(200, answer.clone()));
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("nexus-raw"))
            .args(args)
            .args(["--server", &stub.url, "--tenant", "t_demo", "--env", "dev"])
            .args(["--token", TOKEN])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), output.stderr),
            (Some(0), vec![]),
            "{args:?}"
        );
    }
}

#[test]
fn show_prints_whether_training_is_allowed_by_now_and_json_stays_the_record() {
    for (header, words) in [
        ("true", "  training now  allowed\n"),
        ("false", "  training now  withheld\n"),
        ("maybe", ""),
    ] {
        let stub = Stub::start(move |_, _| {
            Answer::json(200, record()).with("nexus-train-ok-effective", header)
        });
        let registered = "  training      allowed\n";
        let expected = RECORD_TEXT.replace(registered, &format!("{registered}{words}"));
        let command = || command_for(&stub.url);
        assert_eq!(run(&mut command(), ["show", ID]), done(expected));
        let json = run(&mut command(), ["show", ID, "--json"]);
        assert_eq!(json, done(format!("{}\n", record())));
    }
}

#[test]
fn show_leaves_out_what_was_not_stated() {
    let uri = format!("s3://bucket/tenants/t_demo/dev/raw/{ID}/notes");
    let sha256 = "00".repeat(32);
    let bare = json!({
        "asset_id": ID, "tenant_id": "t_demo", "env": "dev", "uri": uri,
        "filename": "notes", "sha256": sha256, "size_bytes": 1,
        "content_type": "application/octet-stream",
        "captured_at": null, "imported_at": "2026-11-24T01:00:07Z", "capture_location": null,
        "lineage": {"derived_from": [], "source_uri": null, "activity": null},
        "pii_flags": [], "train_ok": false, "labels": {}, "registered_by": "u_demo",
        "integrity": {"level": "stream_sha256", "version_id": "v1", "etag": "e"},
    });
    let stub = Stub::start(move |_, _| Answer::json(200, bare.to_string()));
    assert_eq!(
        run(&mut command_for(&stub.url), ["show", ID]),
        done(format!(
            "\
notes
  asset id      {ID}
  tenant        t_demo, dev
  uri           {uri}
  content       application/octet-stream, 1 byte
  sha256        {sha256}
  integrity     stream_sha256, etag e, version v1
  imported      2026-11-24T01:00:07Z by u_demo
  personal data none stated
  training      not allowed
"
        ))
    );
}

#[test]
fn events_are_a_table_in_order() {
    let event = |sequence: u64, kind: &str| {
        json!({
            "event_id": "00000000-0000-5000-8000-000000000000", "schema_version": "1",
            "event_type": kind, "sequence": sequence,
            "occurred_at": "2026-11-24T01:00:07.123456Z",
            "user_id": "u_demo", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        })
    };
    let pages = [
        json!([
            event(9, "raw_asset_presigned"),
            event(10, "raw_asset_registered")
        ]),
        json!([event(100, "raw_asset_of_another_kind")]),
        json!([]),
    ];
    let stub = Stub::start(move |_, before| {
        Answer::json(200, json!({"events": pages[before]}).to_string())
    });
    assert_eq!(
        run(&mut command_for(&stub.url), ["events", ID]),
        done(
            "\
SEQUENCE  TIME                         EVENT                      USER    TRACE
9         2026-11-24T01:00:07.123456Z  raw_asset_presigned        u_demo  4bf92f3577b34da6a3ce929d0e0e4736
10        2026-11-24T01:00:07.123456Z  raw_asset_registered       u_demo  4bf92f3577b34da6a3ce929d0e0e4736
100       2026-11-24T01:00:07.123456Z  raw_asset_of_another_kind  u_demo  4bf92f3577b34da6a3ce929d0e0e4736
"
        )
    );
    let line = |after| format!("GET /nexus/raw/{ID}/events?after={after}&limit=1000");
    assert_eq!(stub.lines(), [0, 10, 100].map(line));
}

#[test]
fn json_is_the_answer_byte_for_byte() {
    let stub = Stub::start(|_, _| Answer::json(200, "{\"any\" : [ 1.0 ]}"));
    assert_eq!(
        run(&mut command_for(&stub.url), ["show", ID, "--json"]),
        done("{\"any\" : [ 1.0 ]}\n")
    );
}

#[test]
fn events_as_json_are_one_answer_with_each_event_byte_for_byte() {
    let events = [
        "{\"any\" : [ 1.0 ], \"sequence\":1}",
        "{ \"sequence\": 7 }",
        "{\"sequence\":8}",
    ];
    let stub = Stub::start(move |_, before| {
        let page = match before {
            0 => format!("{{ \"events\" : [{} , {}] }}", events[0], events[1]),
            1 => format!("{{\"events\":[{}]}}", events[2]),
            _ => "{\"events\":[]}".to_owned(),
        };
        Answer::json(200, page)
    });
    assert_eq!(
        run(&mut command_for(&stub.url), ["events", ID, "--json"]),
        done(format!("{{\"events\":[{}]}}\n", events.join(",")))
    );
}

#[test]
fn a_server_that_does_not_go_on_from_where_it_was_is_not_followed_for_ever() {
    let stub = Stub::start(|_, _| Answer::json(200, "{\"events\":[{\"sequence\":1}]}"));
    let ran = run(&mut command_for(&stub.url), ["events", ID, "--json"]);
    assert_eq!((ran.exit, stub.lines().len()), (1, 2), "{}", ran.err);
}

#[test]
fn a_server_behind_a_prefix_is_found() {
    let stub = Stub::start(|_, _| Answer::json(200, record()));
    let server = format!("{}/behind/", stub.url);
    assert_eq!(run(&mut command_for(&server), ["show", ID]).exit, 0);
    assert_eq!(stub.lines(), [format!("GET /behind/nexus/raw/{ID}")]);
}

#[test]
fn neither_certificates_nor_a_proxy_matter_to_a_server_on_this_machine() {
    let stub = Stub::start(|_, _| Answer::json(200, record()));
    let mut command = command_for(&stub.url);
    command
        .env("SSL_CERT_FILE", "/dev/null")
        .env("SSL_CERT_DIR", "/no/such/directory")
        .env("http_proxy", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1");
    assert_eq!(run(&mut command, ["show", ID]), done(RECORD_TEXT));
}

// elsewhere the certificates are not in files
#[cfg(target_os = "linux")]
#[test]
fn without_certificates_an_encrypted_server_is_not_trusted() {
    let mut command = command_for("https://127.0.0.1:1");
    command
        .env("SSL_CERT_FILE", "/dev/null")
        .env("SSL_CERT_DIR", "/no/such/directory");
    let ran = run(&mut command, ["show", ID]);
    assert_eq!((ran.exit, ran.out.as_str()), (1, ""));
    assert!(
        ran.err
            .starts_with("error: cannot create the HTTP client: "),
        "{}",
        ran.err
    );
}

#[test]
fn a_token_in_a_file_wins() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "dddd.eeee.ffff\n").unwrap();
    let stub = Stub::start(|_, _| Answer::json(200, record()));
    let ran = run(
        command_for(&stub.url).args(["show", ID, "--token-file"]),
        [file.path()],
    );
    assert_eq!(ran.exit, 0);
    assert_eq!(
        stub.requests()[0].header("authorization"),
        Some("Bearer dddd.eeee.ffff")
    );
}

#[test]
fn an_answer_that_is_not_the_services_is_not_printed() {
    for (answer, message) in [
        (
            Answer::empty(200)
                .with("content-type", "text/html")
                .body("<html>"),
            "unexpected response from the service (200 OK)",
        ),
        (
            Answer::json(200, "{}"),
            "unexpected response from the service (200 OK)",
        ),
        (
            Answer::empty(302).with("location", "/login"),
            "unexpected response from the service (302 Found)",
        ),
        (
            Answer::json(404, "{}"),
            "unexpected response from the service (404 Not Found)",
        ),
    ] {
        let answer = std::sync::Mutex::new(Some(answer));
        let stub = Stub::start(move |_, _| answer.lock().unwrap().take().unwrap());
        let ran = run(&mut command_for(&stub.url), ["show", ID]);
        assert_eq!(
            ran,
            Ran {
                exit: 1,
                out: String::new(),
                err: format!(
                    "error: {message}\n\
                     hint: another server may be running at that address, which nexus-raw whoami prints\n"
                ),
            }
        );
        assert_eq!(stub.requests().len(), 1);
    }
}

#[test]
fn what_is_not_json_is_not_passed_on_as_json() {
    let stub = Stub::start(|_, _| {
        Answer::empty(200)
            .with("content-type", "text/html")
            .body("<html>")
    });
    for command in ["show", "events"] {
        let ran = run(&mut command_for(&stub.url), [command, ID, "--json"]);
        assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{}", ran.err);
    }
}
