//! What a run does with what the run before has left, against a service of canned answers.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use nexus_raw::asset::Sha256Digest;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    run::{ID, Ran, command_for, record, run},
    service::{presigned, service},
    stub::{Answer, Received, Stub},
};

/// A file that is large enough to be remembered.
fn large_file() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("DSCN0010.jpg");
    fs::write(&path, vec![7; 2_000_000]).unwrap();
    (directory, path)
}

fn put(stub: &Stub, path: &Path, args: &[&str]) -> Ran {
    let mut command = command_for(&stub.url);
    command
        .env("XDG_STATE_HOME", path.parent().unwrap())
        .arg("put")
        .arg(path)
        .args(["--quiet", "--json"]);
    run(&mut command, args)
}

fn empty_list() -> Answer {
    Answer::json(200, r#"{"assets":[],"next_cursor":null}"#)
}

/// The idempotency keys of the requests for an upload, which are not those that only ask.
fn keys(stub: &Stub) -> Vec<String> {
    let requests = stub.requests().into_iter().filter(|it| {
        it.target == "/nexus/raw/presign-upload"
            && (it.json().get("sha256").is_some() || it.json().get("multipart").is_some())
    });
    requests
        .map(|it| it.header("idempotency-key").unwrap().to_owned())
        .collect()
}

fn validation_failed() -> Answer {
    let problem = json!({
        "status": 422, "code": "validation-failed", "title": "T",
        "errors": [{"pointer": "/sha256", "detail": "is required"}],
    });
    Answer::problem(422, &problem)
}

/// The answers that are the same in all tests.
fn usual(request: &Received) -> Option<Answer> {
    if request.target.starts_with("/nexus/raw?") {
        return Some(empty_list());
    }
    let is_question = request.target == "/nexus/raw/presign-upload"
        && request.json().get("sha256").is_none()
        && request.json().get("multipart").is_none();
    is_question.then(validation_failed)
}

/// The response to a presign: an upload in parts, of which there is one.
fn in_one_part() -> Answer {
    let body = json!({
        "asset_id": ID, "uri": "s3://bucket/key",
        "upload": {
            "kind": "multipart", "part_size_bytes": 8_388_608, "part_count": 1,
            "expires_at": "2026-11-24T01:15:00Z",
        },
    });
    Answer::json(200, body.to_string())
}

/// Puts the file twice: the first run fails when it declares its part, and the second registers it.
fn assert_the_second_run_sends_no_part(stub: &Stub, path: &Path) {
    let args = ["--part-threshold", "1MiB"];
    assert_ne!(put(stub, path, &args).exit, 0);
    let again = put(stub, path, &args);
    assert_eq!((again.exit, again.out), (0, format!("{}\n", record())));
    let sent = stub.lines();
    let declared = sent
        .iter()
        .filter(|it| it.starts_with("POST") && it.ends_with("/parts"));
    assert_eq!(declared.count(), 1, "{sent:?}");
    assert!(!sent.iter().any(|it| it.starts_with("PUT")), "{sent:?}");
}

#[test]
fn an_upload_goes_on_under_its_key_unless_it_can_never_be_registered() {
    for (status, code, goes_on) in [
        (503, "catalog-unavailable", true),
        (422, "object-mismatch", false),
        (410, "upload-expired", false),
    ] {
        let (_directory, path) = large_file();
        let stub = service(move |request, _| {
            usual(request).or_else(|| {
                let problem = json!({"status": status, "code": code, "title": "T"});
                let is_register = request.target == "/nexus/raw/register";
                is_register.then(|| Answer::problem(status, &problem))
            })
        });
        assert_ne!(put(&stub, &path, &[]).exit, 0, "{code}");
        assert_ne!(put(&stub, &path, &[]).exit, 0, "{code}");
        let [first, second] = &*keys(&stub) else {
            panic!("two requests")
        };
        assert_eq!(first == second, goes_on, "{code}");
    }
}

#[test]
fn parts_that_are_put_together_already_are_registered_and_not_sent_again() {
    let (_directory, path) = large_file();
    let parts = format!("/nexus/raw/{ID}/parts");
    let stub = service(move |request, _| {
        usual(request).or_else(|| match (&*request.method, &*request.target) {
            ("POST", "/nexus/raw/presign-upload") => Some(in_one_part()),
            // the first run ends here
            ("POST", target) if target == parts => Some(Answer::empty(500)),
            ("GET", target) if target.starts_with(&parts) => {
                Some(Answer::json(200, r#"{"parts":[]}"#))
            }
            _ => None,
        })
    });
    assert_the_second_run_sends_no_part(&stub, &path);
    assert_eq!(
        stub.requests().last().unwrap().target,
        "/nexus/raw/register"
    );
    let [first, second] = &*keys(&stub) else {
        panic!("two requests")
    };
    assert_eq!(first, second);
}

/// A run may be killed when the store has all of a part but has not answered, and be repeated at once.
#[test]
fn a_part_that_arrives_while_the_next_run_begins_is_not_sent_again() {
    let (_directory, path) = large_file();
    let sha256 = Sha256Digest::of(&fs::read(&path).unwrap());
    let parts = format!("/nexus/raw/{ID}/parts");
    let (lists, registers) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let stub = service(move |request, _| {
        usual(request).or_else(|| match (&*request.method, &*request.target) {
            ("POST", "/nexus/raw/presign-upload") => Some(in_one_part()),
            // the first run ends here
            ("POST", target) if target == parts => Some(Answer::empty(500)),
            ("GET", target) if target.starts_with(&parts) => {
                let is_first = lists.fetch_add(1, Relaxed) == 0;
                let part = json!({"part_number": 1, "size_bytes": 2_000_000, "sha256": sha256});
                let held = if is_first { vec![] } else { vec![part] };
                Some(Answer::json(200, json!({"parts": held}).to_string()))
            }
            ("POST", "/nexus/raw/register") if registers.fetch_add(1, Relaxed) == 0 => {
                let problem = json!({"status": 409, "code": "object-not-uploaded", "title": "T"});
                Some(Answer::problem(409, &problem))
            }
            _ => None,
        })
    });
    assert_the_second_run_sends_no_part(&stub, &path);
}

/// Another file may have been put under the same path, or the same with another label.
#[test]
fn a_record_behind_a_remembered_key_is_taken_only_if_it_is_of_the_file() {
    let (_directory, path) = large_file();
    let stub = service(move |request, before| {
        usual(request).or_else(|| match &*request.target {
            "/nexus/raw/presign-upload" if before < 4 => Some(presigned(request)),
            // the second run asks under the key of the first
            "/nexus/raw/presign-upload" if before < 8 => {
                let problem = json!({"status": 409, "code": "asset-conflict", "title": "T"});
                let location = format!("/nexus/raw/{ID}");
                Some(Answer::problem(409, &problem).with("location", location))
            }
            "/nexus/raw/register" if before < 6 => Some(Answer::empty(500)),
            target if target == format!("/nexus/raw/{ID}") => Some(Answer::json(200, record())),
            _ => None,
        })
    });
    assert_ne!(put(&stub, &path, &[]).exit, 0);
    let again = put(&stub, &path, &[]);
    assert_eq!(again.exit, 0, "{again:?} {:#?}", stub.lines());
    let keys = keys(&stub);
    assert_eq!((keys.len(), keys[0] == keys[1]), (3, true), "{keys:?}");
    assert_ne!(keys[1], keys[2]);
}

#[test]
fn a_file_that_changes_while_its_parts_go_up_is_begun_anew_once_and_then_left() {
    let (_directory, path) = large_file();
    let written = path.clone();
    let parts = format!("/nexus/raw/{ID}/parts");
    let stub = service(move |request, before| {
        usual(request).or_else(|| match (&*request.method, &*request.target) {
            ("POST", "/nexus/raw/presign-upload") => Some(in_one_part()),
            ("POST", target) if target == parts => {
                let host = request.header("host").unwrap();
                let put = json!({
                    "part_number": 1, "method": "PUT", "headers": {},
                    "url": format!("http://{host}/bucket/key?part"),
                    "expires_at": "2026-11-24T01:15:00Z",
                });
                Some(Answer::json(200, json!({"parts": [put]}).to_string()))
            }
            // between hashing and uploading, both times
            ("PUT", _) => {
                fs::write(&written, vec![8; 2_000_000 + before]).unwrap();
                Some(Answer::empty(400).body("<Error><Code>BadDigest</Code></Error>"))
            }
            ("DELETE", _) => Some(Answer::empty(204)),
            _ => None,
        })
    });
    let ran = put(&stub, &path, &["--part-threshold", "1MiB"]);
    assert_eq!(ran.exit, 1, "{ran:?}");
    let changed = format!("error: {} changed during the upload\n", path.display());
    assert!(ran.err.starts_with(&changed), "{ran:?}");
    let [first, second] = &*keys(&stub) else {
        panic!("two requests")
    };
    assert_ne!(first, second);
    let lines = stub.lines();
    let aborted = format!("DELETE /nexus/raw/{ID}/upload");
    assert_eq!(
        lines.iter().filter(|it| **it == aborted).count(),
        2,
        "{lines:?}"
    );
    assert!(
        !lines.contains(&"POST /nexus/raw/register".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn a_large_file_that_would_be_refused_is_not_hashed() {
    let (_directory, path) = large_file();
    let stub = service(|_, before| {
        let problem = json!({
            "status": 422, "code": "validation-failed", "title": "T",
            "errors": [
                {"pointer": "/size_bytes", "detail": "is too much"},
                {"pointer": "/sha256", "detail": "is required"},
            ],
        });
        (before == 0).then(|| Answer::problem(422, &problem))
    });
    let ran = put(&stub, &path, &[]);
    assert_eq!(ran.exit, 4, "{ran:?}");
    assert!(
        ran.err.starts_with("error: /size_bytes: is too much "),
        "{ran:?}"
    );
    assert_eq!(stub.lines(), ["POST /nexus/raw/presign-upload"]);
}
