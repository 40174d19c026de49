//! The commands against the real service, which parses their requests and writes their responses.

use std::fs;

use serde_json::{Value, json};

use crate::{run::run, server::Server};

/// Runs a command that succeeds, and returns its output.
fn done(server: &Server, args: &[&str]) -> String {
    let ran = run(&mut server.command(), args);
    assert_eq!(
        (ran.exit, ran.err.as_str()),
        (0, ""),
        "{args:?}: {}",
        ran.out
    );
    ran.out
}

fn json_of(server: &Server, args: &[&str]) -> Value {
    let out = done(server, &[args, &["--json"]].concat());
    serde_json::from_str(&out).unwrap()
}

/// Stores a file of this name and returns its id.
fn put(server: &Server, name: &str, options: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("content");
    fs::write(&path, name).unwrap();
    let args = [
        &["put", path.to_str().unwrap(), "--filename", name],
        options,
    ]
    .concat();
    let record = json_of(server, &args);
    record["asset_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_fact_of_an_ancestor_is_seen_in_lists_records_facts_lineage_and_events() {
    let server = Server::start();
    let photo = put(&server, "DSCN0010.jpg", &["--train-ok"]);
    let crop = put(
        &server,
        "crop.jpg",
        &["--train-ok", "--derived-from", &photo],
    );
    let small = put(
        &server,
        "small.jpg",
        &[
            "--train-ok",
            "--derived-from",
            &photo,
            "--derived-from",
            &crop,
        ],
    );

    let withdraw = [
        "fact",
        &photo,
        "--train-ok",
        "false",
        "--reason",
        "the photographer withdrew",
    ];
    let stated = done(&server, &withdraw);
    assert!(
        stated.starts_with("train_ok: withheld\n  status        new\n"),
        "{stated}"
    );
    let again = done(&server, &withdraw);
    assert!(
        again.contains("  status        in force already; nothing was written\n"),
        "{again}"
    );

    let expected = format!(
        "\
{small}  withheld by ancestor  small.jpg
ancestors
├── {photo}  withheld              DSCN0010.jpg
└── {crop}  withheld by ancestor  crop.jpg
    └── {photo}  (see above)           DSCN0010.jpg
descendants: none
"
    );
    assert_eq!(
        done(&server, &["lineage", &small, "--direction", "both"]),
        expected
    );
    let cut = done(
        &server,
        &[
            "lineage",
            &photo,
            "--direction",
            "descendants",
            "--limit",
            "2",
        ],
    );
    assert!(
        cut.ends_with("… more than --depth and --limit allow\n"),
        "{cut}"
    );
    assert!(done(&server, &["lineage", &small, "--mermaid"]).starts_with("flowchart TD\n"));
    assert!(done(&server, &["lineage", &small, "--dot"]).starts_with("digraph lineage {\n"));
    assert_eq!(json_of(&server, &["lineage", &small])["truncated"], false);

    let facts = done(&server, &["facts", &small]);
    let expected =
        format!("in force\n  training      withheld by ancestor\n  withheld by   {photo}\n");
    assert!(facts.starts_with(&expected), "{facts}");
    assert!(done(&server, &["show", &small]).contains("  training now  withheld\n"));
    for (filters, count) in [
        (&["--train-ok", "true"][..], 2),
        (&["--train-ok", "false"], 1),
        (&["--train-ok-effective", "true"], 0),
        (&["--train-ok-effective", "false"], 3),
        (&["--pii-flag", "face"], 0),
    ] {
        let out = done(&server, &[&["ls", "--json"], filters].concat());
        assert_eq!(out.lines().count(), count, "{filters:?}");
    }
    for args in [&["events", &photo][..], &["events", "--after", "0"]] {
        let events = done(&server, args);
        assert_eq!(
            events.matches("  train_ok: withheld\n").count(),
            1,
            "{events}"
        );
    }
}

#[test]
fn the_service_accepts_a_fact_of_each_kind_and_lists_it() {
    let server = Server::start();
    let id = put(&server, "a.jpg", &[]);
    let digest = "0f".repeat(32);
    let all: [(&[&str], &str); 13] = [
        (&["--train-ok", "true"], "train_ok"),
        (&["--pii-flag", "face,name"], "pii_flags"),
        (
            &["--no-pii-flags", "--evidence-sha256", &digest],
            "pii_flags",
        ),
        (&["--label", "camera=x"], "labels"),
        (&["--no-labels"], "labels"),
        (&["--license", "CC-BY-4.0"], "license"),
        (&["--no-license"], "license"),
        (&["--rights-holder", "Jos\u{e9} / Ana"], "rights_holder"),
        (&["--no-rights-holder"], "rights_holder"),
        (&["--scan", "clamav=clean"], "scan"),
        (&["--no-scan"], "scan"),
        (&["--c2pa", "valid"], "c2pa"),
        (&["--no-c2pa"], "c2pa"),
    ];
    let stated: Vec<_> = all
        .iter()
        .map(|(options, kind)| {
            let fact = json_of(&server, &[&["fact", &id], *options].concat());
            assert_eq!(fact["kind"], *kind);
            fact
        })
        .collect();
    let document = json_of(&server, &["facts", &id]);
    assert_eq!(document["facts"], json!(stated));
    assert_eq!(document["in_force"]["train_ok_effective"], true);
    let table = done(&server, &["facts", &id]);
    assert!(
        table.contains("\n\nin force\n  training      allowed\n"),
        "{table}"
    );

    let ran = run(
        &mut server.command(),
        [
            "fact",
            &id,
            "--scan",
            "x=clean",
            "--scanned-at",
            "9999-01-01T00:00:00Z",
        ],
    );
    assert_eq!((ran.exit, ran.out.as_str()), (4, ""));
    assert!(
        ran.err.starts_with("error: /value/scanned_at: "),
        "{}",
        ran.err
    );
    let nobody = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4eff";
    for command in [
        &["fact", nobody, "--no-scan"][..],
        &["facts", nobody],
        &["lineage", nobody],
    ] {
        assert_eq!(run(&mut server.command(), command).exit, 3, "{command:?}");
    }
}

#[test]
fn an_object_that_was_changed_or_removed_is_found_by_verify_and_the_verdicts_are_events() {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let verify = |id: &str, options: &[&str]| {
        run(
            &mut server.command(),
            [&["verify", id][..], options].concat(),
        )
    };
    for (name, verdict, event) in [
        ("intact.jpg", "intact", "raw_asset_verified"),
        ("corrupt.jpg", "corrupt", "raw_asset_corrupt"),
        ("missing.jpg", "missing", "raw_asset_corrupt"),
    ] {
        let id = put(&server, name, &[]);
        let record = json_of(&server, &["show", &id]);
        let object = server.object(record["uri"].as_str().unwrap());
        match verdict {
            "corrupt" => {
                let mut bytes = fs::read(&object).unwrap();
                bytes[0] ^= 1;
                fs::write(&object, bytes).unwrap();
            }
            "missing" => fs::remove_file(&object).unwrap(),
            _ => {}
        }
        // of which the content is the name
        let path = directory.path().join(name);
        fs::write(&path, name).unwrap();
        let ran = verify(&id, &["--file", path.to_str().unwrap()]);
        let exit = i32::from(verdict != "intact");
        assert_eq!(ran.exit, exit, "{}{}", ran.out, ran.err);
        assert!(ran.out.starts_with(&format!("{verdict}: ")), "{}", ran.out);
        // the service answers it again for a minute
        let json = verify(&id, &["--json"]);
        let document: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!((json.exit, &document["verdict"]), (exit, &json!(verdict)));
        let sha256 = &document["sha256"];
        let is_recorded = *sha256 == record["sha256"];
        assert_eq!(is_recorded, verdict == "intact", "{document}");
        assert_eq!(sha256.is_null(), verdict == "missing", "{document}");

        fs::write(&path, "something else").unwrap();
        let ran = verify(&id, &["--file", path.to_str().unwrap()]);
        assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{}", ran.err);
        for args in [&["events", &id][..], &["events", "--after", "0"]] {
            let events = done(&server, args);
            let words = format!("  verdict: {verdict}\n");
            assert_eq!(events.matches(&words).count(), 1, "{events}");
            assert!(events.contains(event), "{events}");
        }
    }
    let nobody = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4eff";
    assert_eq!(verify(nobody, &[]).exit, 3);
}
