use serde_json::json;

use crate::{
    run::{ID, Ran, command_for, run},
    service::service,
    stub::{Answer, Stub},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn problem(status: u16, code: &str, title: &str) -> serde_json::Value {
    json!({
        "type": format!("urn:nexus-raw:problem:{code}"), "title": title, "status": status,
        "detail": "What happened.", "instance": "/nexus/raw", "code": code, "trace_id": TRACE,
    })
}

fn reported(exit: i32, err: &str) -> Ran {
    Ran {
        exit,
        out: String::new(),
        err: err.replace("TRACE", TRACE),
    }
}

#[test]
fn a_problem_is_reported_with_a_hint_and_its_exit_code() {
    for (status, code, title, exit, hint) in [
        (
            401,
            "unauthenticated",
            "Not authenticated",
            6,
            "the token has expired, or is not for this server; set NEXUS_RAW_TOKEN to a new one (in embedded mode: nexus-raw token); nexus-raw whoami prints when it ends",
        ),
        (
            403,
            "forbidden",
            "Forbidden",
            6,
            "reading requires membership of the tenant, getting requires its role owner, admin or member, putting, registering, aborting, verifying and stating facts owner or admin; check --tenant, or request a token with that role",
        ),
        (
            404,
            "asset-not-found",
            "No such asset",
            3,
            "an asset is found only in its own tenant and environment, and read only after its registration; check the id, --tenant and --env",
        ),
        (
            503,
            "catalog-unavailable",
            "Unavailable",
            5,
            "this error is temporary; try again later",
        ),
        (
            500,
            "internal",
            "Internal error",
            1,
            "report this to the operator of the service, with the trace id",
        ),
    ] {
        let body = problem(status, code, title);
        let stub = Stub::start(move |_, _| Answer::problem(status, &body));
        assert_eq!(
            run(&mut command_for(&stub.url), ["show", ID, "--json"]),
            reported(
                exit,
                &format!(
                    "error: {title} ({status} {code})\n  What happened.\n  trace id: TRACE\nhint: {hint}\n"
                )
            )
        );
    }
}

#[test]
fn every_fault_of_a_body_is_reported() {
    let stub = service(|request, _| {
        (request.target == "/nexus/raw/presign-upload").then(|| {
            let mut body = problem(422, "validation-failed", "Not valid");
            body["errors"] = json!([
                {"pointer": "/filename", "detail": "must be NFC"},
                {"pointer": "", "detail": "must be an object"},
            ]);
            Answer::problem(422, &body)
        })
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(
        run(command_for(&stub.url).arg("put"), [file.path()]),
        reported(
            4,
            "error: 2 faults (422 validation-failed)\n  \
             /filename: must be NFC\n  the whole body: must be an object\n  trace id: TRACE\n\
             hint: change what is named above; nothing was written\n"
        )
    );
    assert_eq!(stub.requests().len(), 1);
}

#[test]
fn a_forged_upload_that_the_service_detects_is_reported() {
    let stub = service(|request, _| {
        (request.target == "/nexus/raw/register").then(|| {
            let mut body = problem(422, "object-mismatch", "Object mismatch");
            body["errors"] = json!([{"pointer": "/sha256", "detail": "is another"}]);
            Answer::problem(422, &body)
        })
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "x").unwrap();
    assert_eq!(
        run(command_for(&stub.url).arg("put"), [file.path()]),
        reported(
            1,
            "error: /sha256: is another (422 object-mismatch)\n  trace id: TRACE\nhint: put the file again\n"
        )
    );
}

#[test]
fn what_a_problem_says_cannot_move_the_cursor() {
    let mut body = problem(422, "validation-failed", "Not\u{1b}[2J valid");
    body["errors"] = json!([{"pointer": "/labels/\u{1b}", "detail": "is\u{202e} bad\n"}, {"pointer": "/a", "detail": "b"}]);
    let stub = Stub::start(move |_, _| Answer::problem(422, &body));
    assert_eq!(
        run(&mut command_for(&stub.url), ["show", ID]),
        reported(
            4,
            "error: 2 faults (422 validation-failed)\n  \
             /labels/\\u{1b}: is\\u{202e} bad\\u{a}\n  /a: b\n  trace id: TRACE\n\
             hint: change what is named above; nothing was written\n"
        )
    );
}

#[test]
fn a_problem_of_a_later_version_is_reported_without_a_hint() {
    let stub = Stub::start(|_, _| {
        Answer::problem(
            418,
            &json!({"status": 418, "code": "new-code", "title": "A new one", "extra": {"a": 1}}),
        )
    });
    assert_eq!(
        run(&mut command_for(&stub.url), ["show", ID]),
        reported(4, "error: A new one (418 new-code)\n")
    );
}
