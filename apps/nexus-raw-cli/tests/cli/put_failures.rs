//! What `put` says and does where it does not come to its end.

use std::fs;

use serde_json::json;

use crate::{
    run::{ID, Ran, TOKEN, command_for, run},
    service::{file, presigned, service},
    stub::Answer,
};

#[test]
fn an_upload_that_the_store_refuses_is_reported_and_not_registered() {
    for (status, code, exit, urls, hint) in [
        (
            400,
            "BadDigest",
            5,
            1,
            "the store received other bytes than were hashed; put the file again",
        ),
        (
            403,
            "AccessDenied",
            4,
            3,
            "the store refuses the URLs that the service signs; report this to the operator of the service",
        ),
        (
            503,
            "SlowDown",
            5,
            1,
            "nothing was registered; put the file again",
        ),
    ] {
        let stub = service(move |request, _| {
            let body = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
            (request.method == "PUT").then(|| Answer::empty(status).body(body))
        });
        let (_directory, path) = file("DSCN0010.jpg");
        let ran = run(
            &mut command_for(&stub.url),
            ["put".as_ref(), path.as_os_str()],
        );
        let reason = hyper::StatusCode::from_u16(status).unwrap();
        // its URL may have ended
        let again =
            format!("the store refused the upload ({reason} {code}); requesting another URL\n");
        let again = again.repeat(urls - 1);
        assert_eq!(
            ran,
            Ran {
                exit,
                out: String::new(),
                err: format!(
                    "{again}error: the store refused the upload ({reason} {code})\nhint: {hint}\n"
                ),
            }
        );
        assert_eq!(stub.requests().len(), 2 * urls);
    }
}

#[test]
fn a_redirected_upload_is_not_followed_and_no_secret_is_shown() {
    let stub = service(|request, _| {
        (request.method == "PUT").then(|| Answer::empty(307).with("location", "/elsewhere"))
    });
    let (_directory, path) = file("DSCN0010.jpg");
    let ran = run(
        &mut command_for(&stub.url),
        ["put".as_ref(), path.as_os_str()],
    );
    assert_eq!(ran.exit, 4);
    assert_eq!(stub.requests().len(), 2);
    assert!(
        !ran.err.contains("X-Amz") && !ran.err.contains(TOKEN),
        "{}",
        ran.err
    );
}

#[test]
fn an_upload_without_an_answer_shows_no_signed_url() {
    // a port that was free a moment ago, and that nobody listens on
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let stub = service(move |request, _| {
        (request.target == "/nexus/raw/presign-upload").then(|| {
            let mut elsewhere = request.clone();
            elsewhere
                .headers
                .insert("host".to_owned(), address.to_string());
            presigned(&elsewhere)
        })
    });
    let (_directory, path) = file("DSCN0010.jpg");
    let ran = run(
        &mut command_for(&stub.url),
        ["put".as_ref(), path.as_os_str()],
    );
    assert_eq!((ran.exit, ran.out.as_str()), (5, ""));
    assert!(
        ran.err.starts_with("error: no answer from the store: "),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .ends_with("hint: is the store reachable from this machine? Nothing was registered\n")
    );
    assert!(
        !ran.err.contains("X-Amz") && !ran.err.contains("/bucket"),
        "{}",
        ran.err
    );
}

#[test]
fn an_upload_of_another_kind_than_this_command_knows_is_not_tried() {
    let stub = service(|request, _| {
        (request.target == "/nexus/raw/presign-upload").then(|| {
            let body = json!({
                "asset_id": ID,
                "upload": {"kind": "multipart", "method": "PUT", "url": "http://127.0.0.1/", "headers": {}},
            });
            Answer::json(200, body.to_string())
        })
    });
    let (_directory, path) = file("DSCN0010.jpg");
    let ran = run(
        &mut command_for(&stub.url),
        ["put".as_ref(), path.as_os_str()],
    );
    assert_eq!(ran.exit, 1);
    assert_eq!(stub.requests().len(), 1);
}

#[test]
fn a_missing_file_is_reported_before_any_request() {
    let stub = service(|_, _| None);
    let ran = run(&mut command_for(&stub.url), ["put", "/no/such/file"]);
    assert_eq!(
        ran,
        Ran {
            exit: 2,
            out: String::new(),
            err: "error: /no/such/file cannot be read: No such file or directory (os error 2)\n"
                .to_owned(),
        }
    );
    assert_eq!(stub.lines(), Vec::<String>::new());
}

#[test]
fn a_file_that_changes_while_it_is_uploaded_is_never_stored_whole() {
    let (_directory, path) = file("DSCN0010.jpg");
    let written = path.clone();
    let stub = service(move |request, before| {
        // between hashing and uploading, both times
        (request.target == "/nexus/raw/presign-upload").then(|| {
            fs::write(&written, format!("HELL{before}\n")).unwrap();
            presigned(request)
        })
    });
    let ran = run(
        &mut command_for(&stub.url),
        ["put".as_ref(), path.as_os_str()],
    );
    assert_eq!(
        ran,
        Ran {
            exit: 1,
            out: String::new(),
            err: format!(
                "{path} changed during the upload; trying once more\n\
                 error: {path} changed during the upload\n\
                 hint: nothing was registered; put the file again when it no longer changes\n",
                path = path.display()
            ),
        }
    );
    let uploads = stub
        .requests()
        .into_iter()
        .filter(|request| request.method == "PUT");
    assert!(uploads.into_iter().all(|upload| upload.body.is_none()));
}
