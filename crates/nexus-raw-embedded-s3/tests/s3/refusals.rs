//! Unsupported headers and parameters are refused, not ignored.

use crate::support::{Server, owned};
use nexus_raw_testkit::s3::Presign;

fn not_implemented() -> (u16, String) {
    (501, "NotImplemented".to_owned())
}

#[test]
fn operations_that_are_not_there_say_so() {
    let server = Server::start();
    for (method, target) in [
        ("GET", "/"),
        ("GET", "/raw"),
        ("GET", "/raw?list-type=2"),
        ("GET", "/raw?versioning"),
        ("PUT", "/raw?versioning"),
        ("PUT", "/raw?cors"),
        ("DELETE", "/raw"),
        ("GET", "/raw/k?acl"),
        ("PUT", "/raw/k?acl"),
        ("PUT", "/raw/k?tagging"),
        ("GET", "/raw/k?torrent"),
        ("PUT", "/raw/k?retention"),
        ("GET", "/raw/k?versionId=null"),
        ("HEAD", "/raw/k?partNumber=1"),
        ("DELETE", "/raw/k?versionId=null"),
        ("PUT", "/raw/k?unheard-of"),
        ("GET", "/raw/k?unheard-of=1"),
    ] {
        let answer = server.signed(method, target, &[], b"");
        let expected = if method == "HEAD" {
            (501, String::new())
        } else {
            not_implemented()
        };
        assert_eq!(answer.error(), expected, "{method} {target}");
    }
    for target in ["/raw/k", "/raw/k?restore", "/raw?delete"] {
        let answer = server.signed("POST", target, &[], b"");
        let expected = (405, "MethodNotAllowed".to_owned());
        assert_eq!(answer.error(), expected, "{target}");
    }
    assert_eq!(server.object_files(), 0);
}

#[test]
fn signed_headers_of_other_features_are_refused() {
    let server = Server::start();
    for header in [
        ("x-amz-acl", "public-read"),
        ("x-amz-copy-source", "/raw/other"),
        ("x-amz-expected-bucket-owner", "111122223333"),
        ("x-amz-grant-read", "id=1"),
        ("x-amz-object-lock-legal-hold", "ON"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
        ("x-amz-storage-class", "GLACIER"),
        ("x-amz-tagging", "a=b"),
        ("x-amz-unheard-of", "1"),
        ("x-amz-website-redirect-location", "/other"),
        ("if-match", "\"a\""),
        ("if-none-match", "\"a\""),
        ("if-unmodified-since", "Wed, 21 Oct 2026 07:28:00 GMT"),
    ] {
        let answer = server.signed("PUT", "/raw/k", &[header], b"x");
        assert_eq!(answer.error(), not_implemented(), "{header:?}");
    }
    for (method, header) in [
        (
            "GET",
            ("if-modified-since", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ),
        ("GET", ("x-amz-server-side-encryption-customer-key", "a")),
        ("DELETE", ("if-match", "\"a\"")),
        ("DELETE", ("x-amz-mfa", "1")),
    ] {
        let answer = server.signed(method, "/raw/k", &[header], b"");
        assert_eq!(answer.error(), not_implemented(), "{method} {header:?}");
    }
    assert_eq!(server.object_files(), 0);
}

#[test]
fn a_checksum_in_the_query_is_refused() {
    let server = Server::start();
    let target = server.signer().presign(&Presign {
        method: "PUT",
        path: "/raw/k",
        query: &[("x-amz-checksum-sha256", "AAAA")],
        headers: &[],
        expires: 60,
    });
    let answer = server.send("PUT", &target, &[], b"x");
    assert_eq!(answer.error(), not_implemented());
    assert_eq!(server.object_files(), 0);
}

#[test]
fn an_upload_has_a_length_within_5_gib() {
    let server = Server::start();
    let presign = |headers: &[(String, String)]| {
        server.signer().presign(&Presign {
            method: "PUT",
            path: "/raw/k",
            query: &[],
            headers,
            expires: 60,
        })
    };
    let chunked = owned(&[("transfer-encoding", "chunked")]);
    let answer = server.send("PUT", &presign(&[]), &chunked, b"1\r\nx\r\n0\r\n\r\n");
    assert_eq!(answer.error(), (411, "MissingContentLength".to_owned()));
    let huge = owned(&[("content-length", "5368709121")]);
    let answer = server.send("PUT", &presign(&huge), &huge, b"");
    assert_eq!(answer.error(), (400, "EntityTooLarge".to_owned()));
    assert_eq!(server.staged_files(), 0);
}

#[test]
fn the_operation_in_the_query_of_an_sdk_is_taken() {
    let server = Server::start();
    assert_eq!(
        server
            .signed("PUT", "/raw/k?x-id=PutObject", &[], b"x")
            .status,
        200
    );
    assert_eq!(
        server
            .signed("GET", "/raw/k?x-id=GetObject", &[], b"")
            .status,
        200
    );
    assert_eq!(
        server
            .signed("GET", "/raw/k?x-id=PutObject", &[], b"")
            .error(),
        not_implemented()
    );
}

#[test]
fn a_bad_head_is_refused_by_the_listener() {
    let server = Server::start();
    let many: Vec<_> = (0..120)
        .map(|n| (format!("x-{n}"), "v".to_owned()))
        .collect();
    assert_eq!(server.send("GET", "/raw/k", &many, b"").status, 431);
    let folded = owned(&[("x-folded", "a\r\n b")]);
    assert_eq!(server.send("GET", "/raw/k", &folded, b"").status, 400);
    let twice = owned(&[("content-length", "1"), ("content-length", "2")]);
    assert_eq!(server.send("PUT", "/raw/k", &twice, b"xx").status, 400);
}

#[test]
fn a_refusal_reaches_a_client_that_still_sends() {
    let server = Server::start();
    let body = vec![7; 8 * 1024 * 1024];
    let anonymous = server.send("PUT", "/raw/k", &[], &body);
    assert_eq!(anonymous.error(), (403, "AccessDenied".to_owned()));
    let unsupported = server.signed("PUT", "/raw/k", &[("x-amz-acl", "private")], &body);
    assert_eq!(unsupported.error(), not_implemented());
}
