use serde_json::json;

use crate::{
    run::{ID, command_for, record, run},
    service::service,
    stub::{Answer, Stub},
};

fn unavailable() -> Answer {
    let body = json!({"status": 503, "code": "storage-unavailable", "title": "Unavailable"});
    Answer::problem(503, &body)
}

#[test]
fn a_request_without_a_response_is_retried() {
    let stub = Stub::start(|_, before| match before {
        0 => unavailable(),
        1 => Answer::empty(502),
        _ => Answer::json(200, record()),
    });
    let ran = run(&mut command_for(&stub.url), ["show", ID, "--retries", "2"]);
    assert_eq!(ran.exit, 0);
    assert_eq!(stub.requests().len(), 3);
    let notes: Vec<&str> = ran
        .err
        .lines()
        .map(|line| line.split_once("; retrying in ").unwrap().0)
        .collect();
    assert_eq!(
        notes,
        [
            "Unavailable (503 storage-unavailable)",
            "unexpected response from the service (502 Bad Gateway)"
        ]
    );
}

#[test]
fn retries_end() {
    let stub = Stub::start(|_, _| unavailable());
    let ran = run(&mut command_for(&stub.url), ["show", ID, "--retries", "1"]);
    assert_eq!(ran.exit, 5);
    assert_eq!(stub.requests().len(), 2);
}

#[test]
fn a_wait_over_the_limit_is_not_retried() {
    let stub = Stub::start(|_, _| unavailable().with("retry-after", "3600"));
    let ran = run(&mut command_for(&stub.url), ["show", ID, "--retries", "9"]);
    assert_eq!(ran.exit, 5);
    assert_eq!(stub.requests().len(), 1);
}

#[test]
fn a_refusal_is_not_retried() {
    let body = json!({"status": 403, "code": "forbidden", "title": "Forbidden"});
    let stub = Stub::start(move |_, _| Answer::problem(403, &body));
    let ran = run(&mut command_for(&stub.url), ["show", ID, "--retries", "9"]);
    assert_eq!(ran.exit, 6);
    assert_eq!(stub.requests().len(), 1);
}

#[test]
fn an_upload_is_sent_again_whole() {
    let stub = service(|request, before| {
        (request.method == "PUT" && before == 1).then(|| Answer::empty(503))
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "hello\n").unwrap();
    let ran = run(
        command_for(&stub.url).args(["put", "--retries", "1"]),
        [file.path()],
    );
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let uploads: Vec<_> = stub
        .requests()
        .into_iter()
        .filter(|request| request.method == "PUT")
        .map(|request| request.body.unwrap())
        .collect();
    assert_eq!(uploads, ["hello\n", "hello\n"]);
}

#[test]
fn every_attempt_at_a_place_goes_under_one_key_and_every_put_has_its_own() {
    let stub = service(|request, before| {
        let first = request.target == "/nexus/raw/presign-upload" && before == 0;
        first.then(unavailable)
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "hello\n").unwrap();
    for _ in 0..2 {
        let ran = run(
            command_for(&stub.url).args(["put", "--retries", "1"]),
            [file.path()],
        );
        assert_eq!(ran.exit, 0, "{}", ran.err);
    }
    let requests = stub.requests();
    let (presigns, others): (Vec<_>, Vec<_>) = requests
        .iter()
        .partition(|request| request.target == "/nexus/raw/presign-upload");
    let keys: Vec<_> = presigns
        .iter()
        .map(|request| request.header("idempotency-key").unwrap())
        .collect();
    let [lost, again, other] = keys[..] else {
        panic!("{keys:?}");
    };
    assert_eq!(lost, again);
    assert_ne!(again, other);
    for key in [again, other] {
        let is_hex = key.bytes().all(|it| it.is_ascii_hexdigit());
        assert!(key.len() == 32 && is_hex, "{key}");
    }
    assert_eq!(others.len(), 4);
    for request in others {
        assert_eq!(
            request.header("idempotency-key"),
            None,
            "{}",
            request.line()
        );
    }
}

#[test]
fn a_service_that_is_not_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let ran = run(&mut command_for(&format!("http://{address}")), ["show", ID]);
    assert_eq!((ran.exit, ran.out.as_str()), (5, ""));
    assert!(
        ran.err.starts_with("error: no answer from the service: "),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .ends_with("hint: is the server running at that address? nexus-raw whoami prints it\n"),
        "{}",
        ran.err
    );
}
