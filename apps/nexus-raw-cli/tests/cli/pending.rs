//! What `put` does where the service must hash the upload itself before it registers it.

use serde_json::json;

use crate::{
    run::{ID, RECORD_TEXT, Ran, command_for, record, run},
    service::{file, service},
    stub::{Answer, Received, Stub},
};

const NOTE: &str = "asset 019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11 is uploaded; \
    the service must hash it before it is registered; waiting up to ";

fn pending() -> Answer {
    let body = json!({
        "status": 409, "code": "verification-pending", "title": "Verification pending",
        "detail": "What happened.", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    });
    Answer::problem(409, &body)
}

/// Registers the asset only after `times` earlier requests.
fn hashing(times: usize, answer: impl Fn() -> Answer + Send + Sync + 'static) -> Stub {
    // presigning and the upload come before
    service(move |request, before| {
        (request.target == "/nexus/raw/register" && before < 2 + times).then(&answer)
    })
}

/// Puts a file; returns also the requests to the service after the upload.
fn put(stub: &Stub, args: &[&str]) -> (Ran, Vec<serde_json::Value>) {
    let (_directory, path) = file("DSCN0010.jpg");
    let ran = run(command_for(&stub.url).arg("put").arg(&path), args);
    let requests = stub.requests();
    let lines: Vec<_> = requests
        .iter()
        .skip(2)
        .map(|it| it.target.as_str())
        .collect();
    assert_eq!(lines, vec!["/nexus/raw/register"; lines.len()]);
    (ran, requests.iter().skip(2).map(Received::json).collect())
}

/// The result of a run whose wait timed out.
fn given_up(note: &str) -> Ran {
    Ran {
        exit: 5,
        out: String::new(),
        err: format!(
            "{note}error: asset {ID} is uploaded but not registered yet: the service is still hashing it\n  \
             What happened.\n  trace id: 4bf92f3577b34da6a3ce929d0e0e4736\n\
             hint: the service continues: register that asset later with nexus-raw register and the same metadata, or put the file again, as another asset; --wait-seconds sets a longer wait\n"
        ),
    }
}

#[test]
fn an_upload_that_the_service_hashes_itself_is_waited_for_and_printed_once() {
    for (args, out) in [
        (&[][..], RECORD_TEXT.to_owned()),
        (&["--json"][..], record() + "\n"),
    ] {
        // more often than anything is repeated, of which there is nothing here
        let stub = hashing(3, || pending().with("retry-after", "0"));
        let (ran, requests) = put(&stub, args);
        let err = format!("{NOTE}900 s\n");
        assert_eq!(ran, Ran { exit: 0, out, err });
        assert_eq!(requests.len(), 4);
        assert!(requests.iter().all(|it| *it == requests[0]), "{requests:?}");
    }
}

#[test]
fn the_service_says_how_long_to_wait_for_its_hash() {
    let stub = hashing(1, || pending().with("retry-after", "2"));
    let began = std::time::Instant::now();
    let (ran, requests) = put(&stub, &["--wait-seconds", "3"]);
    assert!(began.elapsed() >= std::time::Duration::from_secs(2));
    let err = format!("{NOTE}3 s\n");
    assert_eq!((ran.exit, ran.err, requests.len()), (0, err, 2));
}

#[test]
fn waiting_for_a_hash_ends_with_a_hint_to_retry() {
    let stub = hashing(usize::MAX - 2, pending);
    let (ran, requests) = put(&stub, &["--wait-seconds", "2"]);
    assert_eq!(ran, given_up(&format!("{NOTE}2 s\n")));
    assert!((2..=3).contains(&requests.len()), "{}", requests.len());
}

#[test]
fn a_hash_that_takes_longer_than_there_is_patience_is_not_waited_for() {
    for (wait, patience) in [("3600", "900"), ("1", "0")] {
        let stub = hashing(usize::MAX - 2, move || pending().with("retry-after", wait));
        let (ran, requests) = put(&stub, &["--wait-seconds", patience]);
        assert_eq!((ran, requests.len()), (given_up(""), 1));
    }
}

#[test]
fn the_services_finding_after_a_wait_is_reported() {
    let stub = service(|request, before| {
        (request.target == "/nexus/raw/register").then(|| match before {
            2 => pending().with("retry-after", "0"),
            _ => Answer::problem(
                422,
                &json!({"status": 422, "code": "object-mismatch", "title": "Object mismatch"}),
            ),
        })
    });
    let (ran, requests) = put(&stub, &[]);
    let err = format!(
        "{NOTE}900 s\nerror: Object mismatch (422 object-mismatch)\nhint: put the file again\n"
    );
    assert_eq!((ran.exit, ran.err, requests.len()), (1, err, 2));
}
