use nexus_raw::asset::Sha256Digest;
use serde_json::json;

use crate::{
    run::{ID, RECORD_TEXT, Ran, command_for, record, run},
    service::file,
    stub::{Answer, Stub},
};

fn registering() -> Stub {
    Stub::start(|_, _| Answer::json(201, record()))
}

#[test]
fn what_was_uploaded_is_registered_with_the_metadata_of_the_options() {
    let stub = registering();
    let (_directory, path) = file("a.jpg");
    let path = path.to_str().unwrap();
    let digest = "0f".repeat(32);
    let of_file = Sha256Digest::of(b"hello\n").to_string();
    let plain = json!({
        "asset_id": ID, "pii_flags": [], "train_ok": false, "labels": {},
        "lineage": {"derived_from": [], "source_uri": null, "activity": null},
    });
    let with = |member: &str, value: serde_json::Value| {
        let mut body = plain.clone();
        body[member] = value;
        body
    };
    for (options, body) in [
        (&[][..], plain.clone()),
        (&["--sha256", &digest], with("sha256", json!(digest))),
        (&["--file", path], with("sha256", json!(of_file))),
        (
            &["--pii-flag", "face,name", "--pii-flag", "location"],
            with("pii_flags", json!(["face", "name", "location"])),
        ),
        (&["--train-ok"], with("train_ok", json!(true))),
        (
            &["--label", "camera=x"],
            with("labels", json!({"camera": "x"})),
        ),
    ] {
        let ran = run(command_for(&stub.url).args(["register", ID]), options);
        let expected = Ran {
            exit: 0,
            out: RECORD_TEXT.to_owned(),
            err: String::new(),
        };
        assert_eq!(ran, expected, "{options:?}");
        let requests = stub.requests();
        let request = requests.last().unwrap();
        assert_eq!(request.line(), "POST /nexus/raw/register");
        assert_eq!(request.json(), body, "{options:?}");
    }
    let ran = run(&mut command_for(&stub.url), ["register", ID, "--json"]);
    assert_eq!((ran.exit, ran.out), (0, record() + "\n"));
}

#[test]
fn faults_of_options_are_reported_before_any_request() {
    let stub = registering();
    let digest = "0f".repeat(32);
    for options in [
        &["--sha256", "00"][..],
        &["--sha256", &digest, "--file", "a"],
        &["--pii-flag", "face,shoe"],
        &["--pii-flag", "face,face"],
        &["--captured-at", "today"],
    ] {
        let ran = run(command_for(&stub.url).args(["register", ID]), options);
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{}", ran.err);
    }
    let missing = run(
        &mut command_for(&stub.url),
        ["register", ID, "--file", "/no/such/file"],
    );
    assert_eq!(missing.exit, 1);
    assert_eq!(stub.lines().len(), 0);
}

fn refused(status: u16, code: &'static str, errors: &serde_json::Value) -> Ran {
    let body = json!({"status": status, "code": code, "title": "T", "errors": errors});
    let stub = Stub::start(move |_, _| Answer::problem(status, &body));
    run(
        &mut command_for(&stub.url),
        ["register", ID, "--wait-seconds", "0"],
    )
}

#[test]
fn an_upload_that_can_no_longer_be_registered_is_refused_for_good() {
    for (status, code) in [(410, "upload-expired"), (422, "object-mismatch")] {
        let expected = Ran {
            exit: 4,
            out: String::new(),
            err: format!(
                "error: asset {ID} can no longer be registered: T ({status} {code})\n\
                 hint: put the file, which uploads it as another asset\n"
            ),
        };
        assert_eq!(refused(status, code, &json!([])), expected);
    }
}

#[test]
fn what_is_missing_is_named_and_may_be_uploaded_later() {
    let parts = json!([
        {"pointer": "/parts/7", "detail": "is missing"},
        {"pointer": "/parts/9", "detail": "is missing"},
    ]);
    let expected = Ran {
        exit: 5,
        out: String::new(),
        err: "error: T (409 object-not-uploaded)\n  /parts/7: is missing\n  /parts/9: is missing\n\
              hint: upload what is missing and register the asset again, or put the file again\n"
            .to_owned(),
    };
    assert_eq!(refused(409, "object-not-uploaded", &parts), expected);
    for (status, code, exit) in [
        (404, "asset-not-found", 3),
        (409, "asset-conflict", 4),
        (409, "verification-pending", 5),
        (403, "forbidden", 6),
    ] {
        let ran = refused(status, code, &json!([]));
        assert_eq!((ran.exit, ran.out.as_str()), (exit, ""), "{}", ran.err);
    }
}

#[test]
fn of_many_faults_the_first_hundred_are_printed() {
    let fault = |at: u32| json!({"pointer": format!("/parts/{at}"), "detail": "is missing"});
    let many: Vec<_> = (1..=103).map(fault).collect();
    let ran = refused(409, "object-not-uploaded", &json!(many));
    assert_eq!(ran.err.matches("is missing\n").count(), 100);
    assert!(
        ran.err
            .contains("  /parts/100: is missing\n  … and 3 more\nhint"),
        "{}",
        ran.err
    );
}
