use std::fs;

use serde_json::{Value, json};

use crate::{
    run::{ID, Ran, command_for, run},
    stub::{Answer, Stub},
};

/// A service that accepts every fact.
pub(crate) fn service(status: u16) -> Stub {
    Stub::start(move |request, _| {
        let mut fact = request.json();
        fact["sequence"] = 5.into();
        fact["stated_at"] = "2026-11-24T01:03:00Z".into();
        fact["stated_by"] = "u_demo".into();
        Answer::json(status, fact.to_string())
    })
}

/// Returns the body of the request for these options.
fn sent(options: &[&str]) -> Value {
    let stub = service(201);
    let ran = run(command_for(&stub.url).args(["fact", ID]), options);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""), "{options:?}");
    assert_eq!(stub.lines(), [format!("POST /nexus/raw/{ID}/facts")]);
    stub.requests()[0].json()
}

#[test]
fn each_kind_is_stated_by_its_option() {
    let scan =
        json!({"scanner": "clam=av", "verdict": "clean", "scanned_at": "2026-11-24T01:00:00Z"});
    for (options, kind, value) in [
        (&["--train-ok", "true"][..], "train_ok", json!(true)),
        (&["--train-ok", "false"], "train_ok", json!(false)),
        (
            &["--pii-flag", "face,email"],
            "pii_flags",
            json!(["face", "email"]),
        ),
        (
            &["--pii-flag", "face", "--pii-flag", "email"],
            "pii_flags",
            json!(["face", "email"]),
        ),
        (&["--pii-flag", ""], "pii_flags", json!([])),
        (&["--no-pii-flags"], "pii_flags", json!([])),
        (
            &["--label", "a=1", "--label", "b=x=y"],
            "labels",
            json!({"a": "1", "b": "x=y"}),
        ),
        (&["--no-labels"], "labels", json!({})),
        (
            &["--license", "MIT OR Apache-2.0"],
            "license",
            json!("MIT OR Apache-2.0"),
        ),
        (&["--no-license"], "license", json!(null)),
        (
            &["--rights-holder", "Jos\u{e9} / Ana"],
            "rights_holder",
            json!("Jos\u{e9} / Ana"),
        ),
        (&["--no-rights-holder"], "rights_holder", json!(null)),
        (
            &[
                "--scan",
                "clam=av=clean",
                "--scanned-at",
                "2026-11-24T02:00:00+01:00",
            ],
            "scan",
            scan,
        ),
        (&["--no-scan"], "scan", json!(null)),
        (&["--c2pa", "valid"], "c2pa", json!({"state": "valid"})),
        (&["--no-c2pa"], "c2pa", json!(null)),
    ] {
        let expected = json!({
            "kind": kind, "value": value, "reason": null, "evidence_sha256": null
        });
        assert_eq!(sent(options), expected, "{options:?}");
    }
}

#[test]
fn a_scan_is_of_now_unless_its_time_is_given() {
    let before = time();
    let stated = sent(&["--scan", "clamav=infected"]);
    let scanned_at = stated["value"]["scanned_at"].as_str().unwrap();
    let year = scanned_at
        .split('-')
        .next()
        .unwrap()
        .parse::<u64>()
        .unwrap();
    // a year has 31,556,952 s on average
    assert!(
        year.abs_diff(1970 + before / 31_556_952) <= 1,
        "{scanned_at}"
    );
}

fn time() -> u64 {
    let clock = nexus_raw::system::SystemClock;
    let now = nexus_raw::ports::Clock::now(&clock).as_unix_seconds();
    now.unsigned_abs()
}

#[test]
fn evidence_is_a_digest_or_a_file_whose_digest_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("contract.pdf");
    fs::write(&file, "hello\n").unwrap();
    let digest = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    for evidence in [
        ["--evidence", file.to_str().unwrap()],
        ["--evidence-sha256", digest],
    ] {
        let options = [&["--train-ok", "true", "--reason", "asked"], &evidence[..]].concat();
        let expected = json!({
            "kind": "train_ok", "value": true, "reason": "asked", "evidence_sha256": digest
        });
        assert_eq!(sent(&options), expected);
    }
    let stub = service(201);
    let gone = directory.path().join("gone");
    let args = [
        "fact",
        ID,
        "--train-ok",
        "true",
        "--evidence",
        gone.to_str().unwrap(),
    ];
    let ran = run(&mut command_for(&stub.url), args);
    assert_eq!(
        (ran.exit, ran.out.as_str(), stub.lines().len()),
        (1, "", 0),
        "{}",
        ran.err
    );
}

#[test]
fn a_fact_is_printed_with_whether_it_is_new() {
    let digest = "0f".repeat(32);
    let args = [
        "fact",
        ID,
        "--rights-holder",
        "Acme",
        "--reason",
        "a contract",
        "--evidence-sha256",
        &digest,
    ];
    for (status, words) in [(201, "new"), (200, "in force already; nothing was written")] {
        let stub = service(status);
        let out = format!(
            "\
rights_holder: Acme
  status        {words}
  asset id      {ID}
  sequence      5
  stated        2026-11-24T01:03:00Z by u_demo
  reason        a contract
  evidence      sha256 {digest}
"
        );
        let expected = Ran {
            exit: 0,
            out,
            err: String::new(),
        };
        assert_eq!(run(&mut command_for(&stub.url), args), expected);
    }
    let stub = Stub::start(|_, _| Answer::json(201, "{\"any\" : 1.0}"));
    let ran = run(command_for(&stub.url).arg("--json"), args);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (2, ""),
        "an option before the command"
    );
    let ran = run(
        &mut command_for(&stub.url),
        [&args[..], &["--json"]].concat(),
    );
    assert_eq!(
        (ran.exit, ran.out.as_str(), ran.err.as_str()),
        (0, "{\"any\" : 1.0}\n", "")
    );
}

#[test]
fn a_fact_is_of_an_asset_by_its_id_in_any_case_or_its_uri() {
    let uri = format!("s3://bucket/tenants/t_demo/dev/raw/{ID}/a name, s3.jpg");
    for name in [&ID.to_uppercase(), &uri] {
        let stub = service(201);
        let ran = run(&mut command_for(&stub.url), ["fact", name, "--no-scan"]);
        assert_eq!(
            (ran.exit, stub.lines()),
            (0, vec![format!("POST /nexus/raw/{ID}/facts")])
        );
    }
}

#[test]
fn exactly_one_kind_is_stated() {
    let stub = service(201);
    for options in [
        &["--train-ok", "true", "--no-scan"][..],
        &["--license", "MIT", "--no-license"],
        &["--label", "a=1", "--no-labels"],
        &["--pii-flag", "face", "--no-pii-flags"],
        &["--reason", "none"],
        &["--train-ok", "true", "--scanned-at", "2026-11-24T01:00:00Z"],
        &["--no-scan", "--evidence", "f", "--evidence-sha256", "00"],
    ] {
        let ran = run(command_for(&stub.url).args(["fact", ID]), options);
        assert_eq!(
            (ran.exit, ran.out.as_str()),
            (2, ""),
            "{options:?}: {}",
            ran.err
        );
    }
    assert_eq!(stub.lines().len(), 0);
}

#[test]
fn a_refused_fact_is_reported_with_every_fault() {
    let problem = json!({
        "title": "Validation failed", "status": 422, "code": "validation-failed",
        "errors": [{"pointer": "/value/scanned_at", "detail": "lies in the future"}],
    });
    let stub = Stub::start(move |_, _| Answer::problem(422, &problem));
    let ran = run(
        &mut command_for(&stub.url),
        ["fact", ID, "--scan", "clamav=clean"],
    );
    let expected = Ran {
        exit: 4,
        out: String::new(),
        err: "error: /value/scanned_at: lies in the future (422 validation-failed)\n\
              hint: change what is named above; nothing was written\n"
            .to_owned(),
    };
    assert_eq!(ran, expected);
}
