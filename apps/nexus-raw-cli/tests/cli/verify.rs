//! What `verify` asks of the service, and how it reports what was found.

use std::{fs, process::Stdio};

use serde_json::{Value, json};

use crate::{
    run::{ID, Ran, TOKEN, command_for, record, run},
    service::file,
    stub::{Answer, Received, Stub},
};

/// The SHA-256 of the record.
const RECORDED: &str = "3d4f2bf07dc1be38b20cd6e46949a1071f9d0e3d07a9d9a2b9f3b6a1f3a5c0de";

/// The SHA-256 of the six bytes of [`file`].
const HELLO: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

const AT: &str = "2026-11-29T01:00:07.123456Z";

const HINT: &str = "hint: report this to the operator of the service; the record does not change, \
    and an intact copy can be put as another asset\n";

/// An answer of the service, which a later version has extended.
fn verification(verdict: &str, found: Option<(&str, u64)>) -> String {
    let (sha256, size_bytes) = found.unzip();
    let (sha256, size_bytes) = (json!(sha256), json!(size_bytes));
    format!(
        r#"{{"verdict":"{verdict}","sha256":{sha256},"size_bytes":{size_bytes},"verified_at":"{AT}","a_new_member":1.0}}"#
    )
}

/// A service with a record of `sha256`, which answers verifications by `answer`, given the number of
/// requests before.
fn service(sha256: &str, answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Stub {
    let record = record().replace(RECORDED, sha256);
    Stub::start(move |request: &Received, before| {
        if request.method == "GET" {
            assert_eq!(request.target, format!("/nexus/raw/{ID}"));
            return Answer::json(200, record.clone());
        }
        assert_eq!(request.line(), verify_line());
        assert_eq!(request.json(), json!({}));
        answer(before)
    })
}

fn record_line() -> String {
    format!("GET /nexus/raw/{ID}")
}

fn verify_line() -> String {
    format!("POST /nexus/raw/{ID}/verification")
}

fn verify(stub: &Stub, args: &[&str]) -> Ran {
    run(command_for(&stub.url).args(["verify", ID]), args)
}

fn ran(exit: i32, out: impl Into<String>, err: impl Into<String>) -> Ran {
    let (out, err) = (out.into(), err.into());
    Ran { exit, out, err }
}

#[test]
fn a_verdict_is_one_line_and_its_exit_code_and_json_as_it_was_answered() {
    let found = "9".repeat(64);
    let record = format!("the record says sha256 {RECORDED}, 161,713 bytes");
    for (verdict, content, line, failure) in [
        (
            "intact",
            Some((RECORDED, 161_713)),
            format!("intact: sha256 {RECORDED}, 161,713 bytes, verified at {AT}\n"),
            None,
        ),
        (
            "corrupt",
            Some((&*found, 1)),
            format!("corrupt: sha256 {found}, 1 byte, verified at {AT}; {record}\n"),
            Some("is corrupt: its object in the store is not what its record says"),
        ),
        (
            "missing",
            None,
            format!("missing: nothing was found, verified at {AT}; {record}\n"),
            Some("is missing: its object is no longer in the store"),
        ),
    ] {
        let answer = verification(verdict, content);
        let document = answer.clone() + "\n";
        let stub = service(RECORDED, move |_| Answer::json(200, answer.clone()));
        let (exit, err) = match failure {
            None => (0, String::new()),
            Some(failure) => (1, format!("error: asset {ID} {failure}\n{HINT}")),
        };
        assert_eq!(verify(&stub, &[]), ran(exit, line, &*err));
        assert_eq!(stub.lines(), [record_line(), verify_line()]);
        assert_eq!(verify(&stub, &["--json"]), ran(exit, document, err));
    }
}

/// Whose end of the pipe is closed from the start.
#[test]
fn a_verdict_that_nobody_reads_still_has_its_exit_code() {
    for (verdict, exit) in [("intact", 0), ("missing", 1)] {
        let stub = service(RECORDED, move |_| {
            Answer::json(200, verification(verdict, None))
        });
        for option in ["--json", "--wait-seconds=0"] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let status = std::process::Command::new(assert_cmd::cargo::cargo_bin!("nexus-raw"))
                .args(["verify", ID, option, "--server", &stub.url])
                .args(["--tenant", "t_demo", "--env", "dev", "--token", TOKEN])
                .stdout(writer)
                .stderr(Stdio::null())
                .status();
            assert_eq!(status.unwrap().code(), Some(exit), "{verdict} {option}");
        }
    }
}

#[test]
fn an_answer_that_is_no_verdict_is_not_printed() {
    for answer in [
        verification("in doubt", None),
        verification("intact", Some(("no digest", 1))),
        "{}".to_owned(),
    ] {
        let stub = service(RECORDED, move |_| Answer::json(200, answer.clone()));
        for args in [&[][..], &["--json"]] {
            let ran = verify(&stub, args);
            assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{}", ran.err);
        }
    }
}

fn pending() -> Answer {
    let body = json!({
        "status": 409, "code": "verification-pending", "title": "Verification pending",
        "detail": "What happened.", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    });
    Answer::problem(409, &body)
}

#[test]
fn a_reading_that_takes_longer_is_waited_for_and_reported_once() {
    let note = format!("the service is reading asset {ID}; waiting up to ");
    let intact = || Answer::json(200, verification("intact", Some((RECORDED, 161_713))));
    // more often than anything is repeated, of which there is nothing here
    let stub = service(RECORDED, move |before| match before {
        ..4 => pending().with("retry-after", "0"),
        _ => intact(),
    });
    let line = format!("intact: sha256 {RECORDED}, 161,713 bytes, verified at {AT}\n");
    assert_eq!(verify(&stub, &[]), ran(0, line, format!("{note}900 s\n")));
    assert_eq!(stub.lines().len(), 1 + 4);
}

#[test]
fn a_reading_that_takes_longer_than_there_is_patience_ends_with_its_own_exit_code() {
    let error = format!(
        "error: asset {ID} is not verified yet: the service is still reading it\n  \
         What happened.\n  trace id: 4bf92f3577b34da6a3ce929d0e0e4736\n\
         hint: the service continues: verify the asset again later; --wait-seconds sets a longer wait\n"
    );
    for (wait, patience) in [("3600", "900"), ("1", "0")] {
        let stub = service(RECORDED, move |_| pending().with("retry-after", wait));
        let ended = verify(&stub, &["--wait-seconds", patience]);
        assert_eq!(ended, ran(5, "", &*error));
        assert_eq!(stub.lines(), [record_line(), verify_line()]);
    }
}

#[test]
fn a_file_with_the_recorded_content_is_named_beside_the_verdict() {
    let (directory, path) = file("a\u{1b}.jpg");
    let path = path.to_str().unwrap();
    let shown = format!("{}/a\\u{{1b}}.jpg", directory.path().display());
    let intact = verification("intact", Some((HELLO, 6)));
    let answer = intact.clone();
    let stub = service(HELLO, move |_| Answer::json(200, answer.clone()));
    let line = format!(
        "intact: sha256 {HELLO}, 6 bytes, verified at {AT}; {shown} is what the record says\n"
    );
    assert_eq!(verify(&stub, &["--file", path]), ran(0, line, ""));
    let json = verify(&stub, &["--json", "--file", path]);
    assert_eq!(json, ran(0, intact + "\n", ""));
}

#[test]
fn a_file_with_other_content_is_reported_with_both_digests_before_anything_is_read() {
    let (_directory, path) = file("a.jpg");
    let path = path.to_str().unwrap();
    for args in [&["--file", path][..], &["--file", path, "--json"]] {
        let stub = service(RECORDED, |_| unreachable!());
        let error = format!(
            "error: {path} is not the content of asset {ID}: it has sha256 {HELLO}, the record \
             says {RECORDED}\n\
             hint: the store was not read; without --file only its object is verified\n"
        );
        assert_eq!(verify(&stub, args), ran(1, "", error));
        assert_eq!(stub.lines(), [record_line()]);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault_of_usage_before_any_request() {
    let directory = tempfile::tempdir().unwrap();
    let absent = directory.path().join("absent");
    for (path, error) in [
        (
            &*absent,
            format!(
                "cannot read {}: No such file or directory (os error 2)",
                absent.display()
            ),
        ),
        (
            directory.path(),
            format!("{} is not a regular file", directory.path().display()),
        ),
        (
            "/dev/null".as_ref(),
            "/dev/null is not a regular file".to_owned(),
        ),
    ] {
        let stub = service(RECORDED, |_| unreachable!());
        let ended = verify(&stub, &["--file", path.to_str().unwrap()]);
        assert_eq!(ended, ran(2, "", format!("error: {error}\n")));
        assert_eq!(stub.lines().len(), 0);
    }
    fs::write(&absent, "hello\n").unwrap();
    let stub = service(HELLO, |_| {
        Answer::json(200, verification("intact", Some((HELLO, 6))))
    });
    assert_eq!(verify(&stub, &["--file", absent.to_str().unwrap()]).exit, 0);
}

#[test]
fn a_record_of_another_asset_is_an_error_before_anything_is_read() {
    let record = record().replace(ID, "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e22");
    let stub = Stub::start(move |_, _| Answer::json(200, record.clone()));
    let ran = verify(&stub, &[]);
    assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{}", ran.err);
    assert_eq!(stub.lines(), [record_line()]);
}

#[test]
fn a_refusal_has_the_exit_code_of_its_problem() {
    for (status, code, exit) in [
        (403, "forbidden", 6),
        (404, "asset-not-found", 3),
        (503, "storage-unavailable", 5),
    ] {
        let body: Value = json!({"status": status, "code": code, "title": "No"});
        let stub = service(RECORDED, move |_| Answer::problem(status, &body));
        let ran = verify(&stub, &[]);
        assert_eq!((ran.exit, ran.out.as_str()), (exit, ""), "{}", ran.err);
        assert!(
            ran.err
                .starts_with(&format!("error: No ({status} {code})\n"))
        );
    }
}
