use serde_json::json;

use crate::{
    run::{ID, Ran, command_for, run},
    stub::{Answer, Stub},
};

fn refusing(status: u16, code: &'static str) -> Stub {
    Stub::start(move |_, _| {
        let body = json!({"status": status, "code": code, "title": "T", "detail": "Why."});
        Answer::problem(status, &body)
    })
}

#[test]
fn an_upload_in_parts_is_aborted_as_often_as_one_asks() {
    let stub = Stub::start(|_, _| Answer::empty(204));
    let uri = format!("s3://bucket/tenants/t_demo/dev/raw/{ID}/a.jpg");
    for id in [ID, &uri] {
        let expected = Ran {
            exit: 0,
            out: format!(
                "the upload of asset {ID} is aborted: its parts are removed from the store, and \
                 it can never be registered\n"
            ),
            err: String::new(),
        };
        assert_eq!(run(&mut command_for(&stub.url), ["abort", id]), expected);
    }
    let line = format!("DELETE /nexus/raw/{ID}/upload");
    assert_eq!(stub.lines(), [line.clone(), line]);
}

#[test]
fn an_upload_that_is_single_or_complete_is_not_aborted() {
    let stub = refusing(409, "asset-conflict");
    let expected = Ran {
        exit: 4,
        out: String::new(),
        err: format!(
            "error: the upload of asset {ID} cannot be aborted: T (409 asset-conflict)\n  Why.\n\
             hint: only an upload in parts can be aborted, until it is completed or registered; \
             one that was begun otherwise ends by itself\n"
        ),
    };
    assert_eq!(run(&mut command_for(&stub.url), ["abort", ID]), expected);
}

#[test]
fn a_refused_abort_has_the_exit_code_of_its_problem() {
    for (status, code, exit) in [
        (404, "asset-not-found", 3),
        (403, "forbidden", 6),
        (409, "verification-pending", 5),
        (503, "storage-unavailable", 5),
    ] {
        let stub = refusing(status, code);
        let ran = run(&mut command_for(&stub.url), ["abort", ID]);
        assert_eq!((ran.exit, ran.out.as_str()), (exit, ""), "{}", ran.err);
    }
}

#[test]
fn an_answer_that_does_not_say_that_it_is_aborted_is_no_success() {
    for answer in [200, 202] {
        let stub = Stub::start(move |_, _| Answer::json(answer, "{}"));
        let ran = run(&mut command_for(&stub.url), ["abort", ID]);
        assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{}", ran.err);
    }
}

#[test]
fn an_abort_that_nobody_reads_of_is_named_in_the_error() {
    let stub = Stub::start(|_, _| Answer::empty(204));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_nexus-raw"));
    command
        .env_clear()
        .args(["abort", ID, "--server", &stub.url, "--tenant", "t_demo"])
        .args(["--env", "dev", "--token", "a.b.c"])
        .stdout(full.unwrap());
    let output = command.output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let start =
        format!("error: the upload of asset {ID} is aborted, but the output cannot be written");
    assert!(err.starts_with(&start), "{err}");
}
