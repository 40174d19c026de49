//! A service and a store that take a file of six bytes.

use std::{fs, path::PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    run::{ID, record},
    stub::{Answer, Received, Stub},
};

pub(crate) const SIGNATURE: &str = "X-Amz-Signature=5ec4e7";

/// A file of six bytes, in a directory of its own.
pub(crate) fn file(name: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, "hello\n").unwrap();
    (directory, path)
}

/// The same, with nothing in it.
pub(crate) fn empty_file(name: &str) -> (TempDir, PathBuf) {
    let (directory, path) = file(name);
    fs::write(&path, "").unwrap();
    (directory, path)
}

/// The response to a presign: an upload to the same server.
pub(crate) fn presigned(request: &Received) -> Answer {
    let body = json!({
        "asset_id": ID,
        "uri": "s3://bucket/key",
        "upload": {
            "kind": "single",
            "method": "PUT",
            "url": format!("http://{}/bucket/key?{SIGNATURE}", request.header("host").unwrap()),
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
    other: impl Fn(&Received, usize) -> Option<Answer> + Send + Sync + 'static,
) -> Stub {
    Stub::start(move |request, before| {
        other(request, before).unwrap_or_else(|| match request.target.as_str() {
            "/nexus/raw/presign-upload" => presigned(request),
            "/nexus/raw/register" => Answer::json(201, record()),
            target if target.starts_with("/bucket/key?") => Answer::empty(200),
            _ => Answer::empty(404),
        })
    })
}
