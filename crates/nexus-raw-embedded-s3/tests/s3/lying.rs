//! Each misbehaviour, and that it is the only one.

use nexus_raw_embedded_s3::Misbehaviour;

use crate::support::{Server, endpoint, upload_headers};
use nexus_raw_testkit::s3::{MultipartClient, Presign, base64_sha256, composite_sha256};

const CONTENT: &[u8] = b"a photograph";
const OTHER: &[u8] = b"a forgery...";

fn liar(lie: Misbehaviour) -> Server {
    Server::start_with(|settings| settings.with_misbehaviour(lie))
}

/// Sends `content` to a URL signed for [`CONTENT`], with more headers than were signed.
fn upload(server: &Server, content: &[u8], unsigned: &[(&str, &str)]) -> (u16, String) {
    let mut headers = upload_headers(CONTENT);
    let target = server.signer().presign(&Presign {
        method: "PUT",
        path: "/raw/k",
        query: &[],
        headers: &headers,
        expires: 60,
    });
    headers.extend(crate::support::owned(unsigned));
    server.send("PUT", &target, &headers, content).error()
}

fn checksum(server: &Server) -> Option<String> {
    let head = server.signed("HEAD", "/raw/k", &[("x-amz-checksum-mode", "ENABLED")], b"");
    head.header("x-amz-checksum-sha256").map(str::to_owned)
}

#[test]
fn checksums_can_be_ignored() {
    let server = liar(Misbehaviour::IgnoreChecksums);
    assert_eq!(upload(&server, OTHER, &[]).0, 200);
    assert_eq!(checksum(&server), None);
    assert_eq!(server.signed("GET", "/raw/k", &[], b"").body, OTHER);
    assert_eq!(upload(&server, OTHER, &[]).0, 412);
}

#[test]
fn checksums_can_be_echoed() {
    let server = liar(Misbehaviour::EchoChecksums);
    assert_eq!(upload(&server, OTHER, &[]).0, 200);
    assert_eq!(checksum(&server), Some(base64_sha256(CONTENT)));
    assert_eq!(server.signed("GET", "/raw/k", &[], b"").body, OTHER);
}

#[test]
fn create_once_can_be_ignored() {
    let server = liar(Misbehaviour::IgnoreCreateOnce);
    assert_eq!(upload(&server, CONTENT, &[]).0, 200);
    assert_eq!(upload(&server, CONTENT, &[]).0, 200);
    assert_eq!(upload(&server, OTHER, &[]), (400, "BadDigest".to_owned()));
}

#[test]
fn unsigned_headers_can_be_accepted() {
    let server = liar(Misbehaviour::AcceptUnsignedHeaders);
    assert_eq!(
        upload(&server, CONTENT, &[("x-amz-meta-added", "1")]).0,
        200
    );
    let head = server.signed("HEAD", "/raw/k", &[], b"");
    assert_eq!(head.header("x-amz-meta-added"), Some("1"));
}

#[test]
fn absent_keys_can_be_forbidden() {
    let server = liar(Misbehaviour::ForbidAbsentKeys);
    assert_eq!(server.signed("HEAD", "/raw/k", &[], b"").status, 403);
    assert_eq!(
        server.signed("GET", "/raw/k", &[], b"").error(),
        (403, "AccessDenied".to_owned())
    );
    assert_eq!(upload(&server, CONTENT, &[]).0, 200);
    assert_eq!(server.signed("HEAD", "/raw/k", &[], b"").status, 200);
}

/// Uploads a part of [`OTHER`] by a URL for [`CONTENT`], and completes the upload with it.
fn complete_other(server: &Server) -> (u16, Option<String>) {
    let upload = MultipartClient::begin(&endpoint(server.handle.addr()), "/raw/k", &[]);
    let mut part = upload.place(1, CONTENT);
    let headers = [("x-amz-checksum-sha256", &*base64_sha256(CONTENT))];
    let headers = crate::support::owned(&headers);
    let put = server.send("PUT", &upload.presign(1, &headers), &headers, OTHER);
    let etag = put.header("etag").unwrap_or_default();
    etag.clone_into(&mut part.etag);
    (upload.complete(&[part], &[]).status, checksum(server))
}

#[test]
fn the_checksums_of_parts_can_be_ignored_or_echoed() {
    let server = liar(Misbehaviour::IgnoreChecksums);
    assert_eq!(complete_other(&server), (200, None));
    let server = liar(Misbehaviour::EchoChecksums);
    let composite = composite_sha256(&[CONTENT]);
    assert_eq!(complete_other(&server), (200, Some(composite)));
}

#[test]
fn the_size_and_the_condition_of_a_completion_can_be_ignored() {
    let headers = [("if-none-match", "*"), ("x-amz-mp-object-size", "1")];
    for (lie, expected) in [
        (Misbehaviour::IgnoreCreateOnce, (200, 400)),
        (Misbehaviour::IgnoreObjectSize, (412, 200)),
    ] {
        let server = liar(lie);
        let complete = |path: &str, header| {
            let upload = MultipartClient::begin(&endpoint(server.handle.addr()), path, &[]);
            let part = upload.place(1, CONTENT);
            upload.complete(&[part], &[header]).status
        };
        assert_eq!(server.signed("PUT", "/raw/k", &[], OTHER).status, 200);
        let came = (
            complete("/raw/k", headers[0]),
            complete("/raw/other", headers[1]),
        );
        assert_eq!(came, expected, "{lie:?}");
    }
}
