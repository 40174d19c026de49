use std::{fs, path::PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    run::{ID, RECORD_TEXT, Ran, TOKEN, command_for, record, run},
    stub::{Answer, Asked, Stub},
};

/// SHA-256 of `hello\n`.
const SHA256: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
const SIGNATURE: &str = "X-Amz-Signature=5ec4e7";

fn file(name: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, "hello\n").unwrap();
    (directory, path)
}

pub(crate) fn presigned(asked: &Asked) -> Answer {
    let body = json!({
        "asset_id": ID,
        "uri": "s3://bucket/key",
        "upload": {
            "kind": "single",
            "method": "PUT",
            "url": format!("http://{}/bucket/key?{SIGNATURE}", asked.header("host").unwrap()),
            "headers": {
                "content-type": "image/jpeg",
                "if-none-match": "*",
                "x-amz-checksum-sha256": "WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=",
                "x-amz-meta-tenant-id": "t_demo",
            },
            "expires_at": "2026-11-24T01:15:00Z",
        },
    });
    Answer::json(200, body.to_string())
}

/// A service and a store in one that take everything, but for what `other` answers.
pub(crate) fn service(
    other: impl Fn(&Asked, usize) -> Option<Answer> + Send + Sync + 'static,
) -> Stub {
    Stub::start(move |asked, before| {
        other(asked, before).unwrap_or_else(|| match asked.target.as_str() {
            "/nexus/raw/presign-upload" => presigned(asked),
            "/nexus/raw/register" => Answer::json(201, record()),
            target if target.starts_with("/bucket/key?") => Answer::empty(200),
            _ => Answer::empty(404),
        })
    })
}

#[test]
fn a_file_is_presigned_uploaded_and_registered_and_its_record_printed() {
    let stub = service(|_, _| None);
    let (_directory, path) = file("DSCN0010.jpg");
    let ran = run(
        &mut command_for(&stub.url),
        ["put".as_ref(), path.as_os_str()],
    );
    assert_eq!(
        ran,
        Ran {
            exit: 0,
            out: RECORD_TEXT.to_owned(),
            err: String::new()
        }
    );
    let asked = stub.asked();
    assert_eq!(
        stub.lines(),
        [
            "POST /nexus/raw/presign-upload".to_owned(),
            format!("PUT /bucket/key?{SIGNATURE}"),
            "POST /nexus/raw/register".to_owned(),
        ]
    );
    assert_eq!(
        asked[0].json(),
        json!({
            "filename": "DSCN0010.jpg",
            "content_type": "image/jpeg",
            "size_bytes": 6,
            "sha256": SHA256,
        })
    );
    assert_eq!(
        asked[2].json(),
        json!({
            "asset_id": ID,
            "lineage": {"derived_from": [], "source_uri": null, "activity": null},
            "pii_flags": [],
            "train_ok": false,
            "labels": {},
        })
    );
    for asked in [&asked[0], &asked[2]] {
        assert_eq!(
            asked.header("authorization"),
            Some(&*format!("Bearer {TOKEN}"))
        );
        assert_eq!(asked.header("x-tenant-id"), Some("t_demo"));
        assert_eq!(asked.header("x-env"), Some("dev"));
        assert_eq!(asked.header("content-type"), Some("application/json"));
    }
}

#[test]
fn the_store_gets_the_signed_headers_and_nothing_of_the_service() {
    let stub = service(|_, _| None);
    let (_directory, path) = file("DSCN0010.jpg");
    run(
        &mut command_for(&stub.url),
        ["put".as_ref(), path.as_os_str()],
    );
    let upload = &stub.asked()[1];
    assert_eq!(upload.body.as_deref(), Some(&b"hello\n"[..]));
    let host = stub.url.strip_prefix("http://").unwrap();
    let headers: Vec<(&str, &str)> = upload
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        headers,
        [
            ("accept", "*/*"),
            ("content-length", "6"),
            ("content-type", "image/jpeg"),
            ("host", host),
            ("if-none-match", "*"),
            ("user-agent", "nexus-raw/0.1.0"),
            (
                "x-amz-checksum-sha256",
                "WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM="
            ),
            ("x-amz-meta-tenant-id", "t_demo"),
        ]
    );
}

#[test]
fn json_is_the_services_answer_byte_for_byte() {
    let odd = format!(
        " {} \n\n",
        record().replace("\"train_ok\":true", "\"train_ok\": true , \"new\":1")
    );
    let answer = odd.clone();
    let stub = service(move |asked, _| {
        (asked.target == "/nexus/raw/register").then(|| Answer::json(200, answer.clone()))
    });
    let (_directory, path) = file("DSCN0010.jpg");
    let ran = run(
        &mut command_for(&stub.url),
        ["put".as_ref(), path.as_os_str(), "--json".as_ref()],
    );
    assert_eq!(
        ran,
        Ran {
            exit: 0,
            out: odd,
            err: String::new()
        }
    );
}

#[test]
fn what_is_stated_is_registered() {
    let stub = service(|_, _| None);
    let (_directory, path) = file("scan");
    let parent = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e00";
    let ran = run(
        command_for(&stub.url).arg("put").arg(&path),
        [
            "--filename",
            "page 1.pdf",
            "--captured-at",
            "2008-10-22T16:28:39.5+02:00",
            "--latitude",
            "-43.5",
            "--longitude",
            "11.885127",
            "--altitude-m",
            "-3",
            "--accuracy-m",
            "2.5",
            "--derived-from",
            parent,
            "--source-uri",
            "https://example.test/a",
            "--activity",
            "scan",
            "--pii-flag",
            "face",
            "--pii-flag",
            "location",
            "--train-ok",
            "--label",
            "camera=Nikon",
            "--label",
            "note=a=b",
            "--label",
            "empty=",
        ],
    );
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let asked = stub.asked();
    assert_eq!(
        asked[0].json(),
        json!({
            "filename": "page 1.pdf",
            "content_type": "application/pdf",
            "size_bytes": 6,
            "sha256": SHA256,
        })
    );
    assert_eq!(
        asked[2].json(),
        json!({
            "asset_id": ID,
            "captured_at": "2008-10-22T16:28:39.5+02:00",
            "capture_location": {
                "latitude": -43.5, "longitude": 11.885_127, "altitude_m": -3.0, "accuracy_m": 2.5,
            },
            "lineage": {
                "derived_from": [parent],
                "source_uri": "https://example.test/a",
                "activity": "scan",
            },
            "pii_flags": ["face", "location"],
            "train_ok": true,
            "labels": {"camera": "Nikon", "note": "a=b", "empty": ""},
        })
    );
}

#[test]
fn a_media_type_can_be_stated_and_is_that_of_any_bytes_where_nothing_tells() {
    for (args, expected) in [
        (&[][..], "application/octet-stream"),
        (
            &["--content-type", "text/x-own; a=1"][..],
            "text/x-own; a=1",
        ),
    ] {
        let stub = service(|_, _| None);
        let (_directory, path) = file("no ending");
        let ran = run(command_for(&stub.url).arg("put").arg(&path), args);
        assert_eq!(ran.exit, 0);
        assert_eq!(stub.asked()[0].json()["content_type"], json!(expected));
    }
}

#[test]
fn an_object_that_is_there_already_is_registered() {
    let stub = service(|asked, _| (asked.method == "PUT").then(|| Answer::empty(412)));
    let (_directory, path) = file("DSCN0010.jpg");
    let ran = run(
        &mut command_for(&stub.url),
        ["put".as_ref(), path.as_os_str()],
    );
    assert_eq!((ran.exit, ran.out.as_str()), (0, RECORD_TEXT));
    assert_eq!(stub.asked().len(), 3);
}

#[test]
fn what_the_store_refuses_is_told_and_not_registered() {
    for (status, code, exit, hint) in [
        (
            400,
            "BadDigest",
            4,
            "the store got other bytes than were hashed; put the file again",
        ),
        (
            403,
            "AccessDenied",
            4,
            "the time to upload is over, or the store does not know the service's key; put the file again",
        ),
        (
            503,
            "SlowDown",
            5,
            "nothing was registered; put the file again",
        ),
    ] {
        let stub = service(move |asked, _| {
            let body = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
            (asked.method == "PUT").then(|| Answer::empty(status).body(body))
        });
        let (_directory, path) = file("DSCN0010.jpg");
        let ran = run(
            &mut command_for(&stub.url),
            ["put".as_ref(), path.as_os_str()],
        );
        let reason = hyper::StatusCode::from_u16(status).unwrap();
        assert_eq!(
            ran,
            Ran {
                exit,
                out: String::new(),
                err: format!(
                    "error: the store refused the upload ({reason} {code})\nhint: {hint}\n"
                ),
            }
        );
        assert_eq!(stub.asked().len(), 2);
    }
}

#[test]
fn a_redirected_upload_is_not_followed_and_no_secret_is_shown() {
    let stub = service(|asked, _| {
        (asked.method == "PUT").then(|| Answer::empty(307).with("location", "/elsewhere"))
    });
    let (_directory, path) = file("DSCN0010.jpg");
    let ran = run(
        &mut command_for(&stub.url),
        ["put".as_ref(), path.as_os_str()],
    );
    assert_eq!(ran.exit, 4);
    assert_eq!(stub.asked().len(), 2);
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
    let stub = service(move |asked, _| {
        (asked.target == "/nexus/raw/presign-upload").then(|| {
            let mut elsewhere = asked.clone();
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
    let stub = service(|asked, _| {
        (asked.target == "/nexus/raw/presign-upload").then(|| {
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
    assert_eq!(stub.asked().len(), 1);
}

#[test]
fn a_file_that_is_not_there_is_told_before_anything_is_asked() {
    let stub = service(|_, _| None);
    let ran = run(&mut command_for(&stub.url), ["put", "/no/such/file"]);
    assert_eq!(
        ran,
        Ran {
            exit: 1,
            out: String::new(),
            err: "error: cannot read /no/such/file: No such file or directory (os error 2)\n"
                .to_owned(),
        }
    );
    assert_eq!(stub.lines(), Vec::<String>::new());
}

#[test]
fn a_file_that_changes_while_it_is_uploaded_is_never_stored_whole() {
    let (_directory, path) = file("DSCN0010.jpg");
    let written = path.clone();
    let stub = service(move |asked, _| {
        // between hashing and uploading
        (asked.target == "/nexus/raw/presign-upload").then(|| {
            fs::write(&written, "HELLO\n").unwrap();
            presigned(asked)
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
                "error: {} changed while it was uploaded\n\
                 hint: nothing was registered; put the file again when nobody writes to it\n",
                path.display()
            ),
        }
    );
    let uploads = stub
        .asked()
        .into_iter()
        .filter(|asked| asked.method == "PUT");
    assert!(uploads.into_iter().all(|upload| upload.body.is_none()));
}
