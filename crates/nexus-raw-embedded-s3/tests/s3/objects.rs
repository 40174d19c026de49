//! What is put is what is got.

use crate::support::sign::base64_sha256;
use crate::support::{Presign, Server, upload_headers};

#[test]
fn a_presigned_upload_is_kept_with_all_that_it_carried() {
    let server = Server::start();
    let content = b"a photograph";
    let headers = upload_headers(content);
    let target = server.signer().presign(&Presign {
        method: "PUT",
        path: "/raw/tenants/t_demo/dev/raw/1/a.jpg",
        query: &[],
        headers: &headers,
        expires: 900,
    });
    let answer = server.send("PUT", &target, &headers, content);
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"".as_slice())
    );
    assert_eq!(
        answer.header("etag"),
        Some("\"a4aaf8062678c67a5b5cbe1da2b2a044\"")
    );
    assert_eq!(
        answer.header("x-amz-checksum-sha256"),
        Some(base64_sha256(content).as_str())
    );

    let path = "/raw/tenants/t_demo/dev/raw/1/a.jpg";
    let got = server.signed("GET", path, &[], b"");
    assert_eq!((got.status, got.body.as_slice()), (200, content.as_slice()));
    let head = server.signed("HEAD", path, &[("x-amz-checksum-mode", "ENABLED")], b"");
    assert_eq!((head.status, head.body.as_slice()), (200, b"".as_slice()));
    for (name, value) in [
        ("content-length", "12"),
        ("content-type", "image/jpeg"),
        ("x-amz-meta-tenant-id", "t_demo"),
        ("x-amz-checksum-sha256", base64_sha256(content).as_str()),
        ("x-amz-checksum-type", "FULL_OBJECT"),
    ] {
        assert_eq!(head.header(name), Some(value), "{name}");
    }

    let again = server.send("PUT", &target, &headers, content);
    assert_eq!(again.error(), (412, "PreconditionFailed".to_owned()));
}
