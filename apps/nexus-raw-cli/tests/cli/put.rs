//! What `put` sends, and what it prints.

use serde_json::json;

use crate::{
    run::{ID, RECORD_TEXT, Ran, TOKEN, command_for, record, run},
    service::{SIGNATURE, empty_file, file, service},
    stub::Answer,
};

/// SHA-256 of `hello\n`.
const SHA256: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

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
    let requests = stub.requests();
    assert_eq!(
        stub.lines(),
        [
            "POST /nexus/raw/presign-upload".to_owned(),
            format!("PUT /bucket/key?{SIGNATURE}"),
            "POST /nexus/raw/register".to_owned(),
        ]
    );
    assert_eq!(
        requests[0].json(),
        json!({
            "filename": "DSCN0010.jpg",
            "content_type": "image/jpeg",
            "size_bytes": 6,
            "sha256": SHA256,
            "if_registered": "return",
        })
    );
    assert_eq!(
        requests[2].json(),
        json!({
            "asset_id": ID,
            "lineage": {"derived_from": [], "source_uri": null, "activity": null},
            "pii_flags": [],
            "train_ok": false,
            "labels": {},
        })
    );
    for request in [&requests[0], &requests[2]] {
        assert_eq!(
            request.header("authorization"),
            Some(&*format!("Bearer {TOKEN}"))
        );
        assert_eq!(request.header("x-tenant-id"), Some("t_demo"));
        assert_eq!(request.header("x-env"), Some("dev"));
        assert_eq!(request.header("content-type"), Some("application/json"));
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
    let upload = &stub.requests()[1];
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

/// Its length is signed as well, and a body whose length is not said is none that a store takes.
#[test]
fn of_an_empty_file_the_store_gets_the_length() {
    let stub = service(|_, _| None);
    let (_directory, path) = empty_file("empty.txt");
    let ran = run(
        &mut command_for(&stub.url),
        ["put".as_ref(), path.as_os_str()],
    );
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let requests = stub.requests();
    assert_eq!(
        requests[0].json(),
        json!({
            "filename": "empty.txt",
            "content_type": "text/plain",
            "size_bytes": 0,
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        })
    );
    assert_eq!(requests[1].header("content-length"), Some("0"));
    assert_eq!(requests[1].header("transfer-encoding"), None);
    assert_eq!(requests[1].body.as_deref(), Some(&b""[..]));
}

#[test]
fn json_is_the_services_answer_on_a_line_of_its_own() {
    let odd = format!(
        " {} \n\n",
        record().replace("\"train_ok\":true", "\"train_ok\": true , \"new\":1")
    );
    let answer = odd.clone();
    let stub = service(move |request, _| {
        (request.target == "/nexus/raw/register").then(|| Answer::json(200, answer.clone()))
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
            out: format!("{}\n", odd.trim()),
            err: String::new()
        }
    );
}

#[test]
fn what_is_stated_is_registered() {
    let parent = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e00";
    let stub = service(move |request, _| {
        let is_parent = request.target == format!("/nexus/raw/{parent}");
        is_parent.then(|| Answer::json(200, record()))
    });
    let (_directory, path) = file("scan");
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
    // parents are looked up before anything is hashed
    let requests = stub.requests();
    assert_eq!(
        requests[1].json(),
        json!({
            "filename": "page 1.pdf",
            "content_type": "application/pdf",
            "size_bytes": 6,
            "sha256": SHA256,
            "if_registered": "return",
        })
    );
    assert_eq!(
        requests[3].json(),
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
fn a_media_type_can_be_stated_and_is_octet_stream_by_default() {
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
        assert_eq!(stub.requests()[0].json()["content_type"], json!(expected));
    }
}

#[test]
fn an_object_that_is_there_already_is_registered() {
    let stub = service(|request, _| (request.method == "PUT").then(|| Answer::empty(412)));
    let (_directory, path) = file("DSCN0010.jpg");
    let ran = run(
        &mut command_for(&stub.url),
        ["put".as_ref(), path.as_os_str()],
    );
    assert_eq!((ran.exit, ran.out.as_str()), (0, RECORD_TEXT));
    assert_eq!(stub.requests().len(), 3);
}
