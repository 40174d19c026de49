//! Bytes that are not what the client said leave nothing behind.

use crate::support::Server;
use nexus_raw_testkit::s3::{Signer, base64_sha256};

const CONTENT: &[u8] = b"123456789";
const OTHER: &[u8] = b"123456780";
const DIGESTS: [(&str, &str); 6] = [
    ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw=="),
    ("x-amz-checksum-crc32", "y/Q5Jg=="),
    ("x-amz-checksum-crc32c", "4waSgw=="),
    ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
    ("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
    (
        "x-amz-checksum-sha256",
        "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
    ),
];

fn assert_nothing_is_visible(server: &Server) {
    assert_eq!((server.object_files(), server.staged_files()), (0, 0));
    assert_eq!(server.signed("HEAD", "/raw/k", &[], b"").status, 404);
}

#[test]
fn every_declared_digest_is_checked_before_anything_is_visible() {
    let server = Server::start();
    for digest in DIGESTS {
        let wrong = server.signed("PUT", "/raw/k", &[digest], OTHER);
        assert_eq!(wrong.error(), (400, "BadDigest".to_owned()), "{digest:?}");
        assert_nothing_is_visible(&server);
    }
    for digest in DIGESTS {
        let right = server.signed("PUT", "/raw/k", &[digest], CONTENT);
        assert_eq!(right.status, 200, "{digest:?}");
        let head = server.signed("HEAD", "/raw/k", &[("x-amz-checksum-mode", "ENABLED")], b"");
        if digest.0 != "content-md5" {
            assert_eq!(head.header(digest.0), Some(digest.1));
        }
    }
}

#[test]
fn a_wrong_write_leaves_what_was_there() {
    let server = Server::start();
    server.signed("PUT", "/raw/k", &[], CONTENT);
    let wrong = server.signed("PUT", "/raw/k", &[DIGESTS[5]], OTHER);
    assert_eq!(wrong.error(), (400, "BadDigest".to_owned()));
    assert_eq!(server.signed("GET", "/raw/k", &[], b"").body, CONTENT);
}

#[test]
fn a_malformed_digest_is_refused() {
    let server = Server::start();
    let put = |headers: &[(&str, &str)]| server.signed("PUT", "/raw/k", headers, CONTENT).error();
    assert_eq!(
        put(&[("content-md5", "!")]),
        (400, "InvalidDigest".to_owned())
    );
    let invalid = (400, "InvalidRequest".to_owned());
    assert_eq!(put(&[("x-amz-checksum-sha256", "!")]), invalid);
    assert_eq!(put(&[DIGESTS[1], DIGESTS[5]]), invalid);
    assert_nothing_is_visible(&server);
}

#[test]
fn the_signed_digest_of_the_payload_is_checked() {
    let server = Server::start();
    let headers = server.signer().sign_header("PUT", "/raw/k", &[], CONTENT);
    let wrong = server.send("PUT", "/raw/k", &headers, OTHER);
    assert_eq!(wrong.error(), (400, "XAmzContentSHA256Mismatch".to_owned()));
    assert_nothing_is_visible(&server);
}

#[test]
fn a_checksum_in_a_trailer_is_checked() {
    let server = Server::start();
    let put = |trailer: &str| {
        let body = format!("9\r\n123456789\r\n0\r\n{trailer}\r\n\r\n");
        let headers = [
            ("content-encoding", "aws-chunked"),
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-decoded-content-length", "9"),
            ("x-amz-trailer", "x-amz-checksum-sha256"),
        ];
        server.signed("PUT", "/raw/k", &headers, body.as_bytes())
    };
    let wrong = put(&format!("x-amz-checksum-sha256:{}", base64_sha256(OTHER)));
    assert_eq!(wrong.error(), (400, "BadDigest".to_owned()));
    assert_eq!(
        put("x-amz-checksum-crc32:y/Q5Jg==").error(),
        (400, "InvalidRequest".to_owned())
    );
    assert_nothing_is_visible(&server);

    let right = put(&format!("x-amz-checksum-sha256:{}", base64_sha256(CONTENT)));
    assert_eq!(right.status, 200);
    let got = server.signed("GET", "/raw/k", &[], b"");
    assert_eq!(
        (got.body.as_slice(), got.header("content-encoding")),
        (CONTENT, None)
    );
}

#[test]
fn a_signed_stream_is_checked_chunk_by_chunk() {
    let server = Server::start();
    let signer = server.signer();
    let put = |content: &str| {
        let mut headers = signer.sign_header(
            "PUT",
            "/raw/k",
            &[
                ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
                ("x-amz-decoded-content-length", "9"),
            ],
            b"",
        );
        let body = signed_chunks(&signer, &headers, CONTENT, content);
        headers.push(("content-length".to_owned(), body.len().to_string()));
        server.send("PUT", "/raw/k", &headers, body.as_bytes())
    };
    assert_eq!(
        put("123456780").error(),
        (403, "SignatureDoesNotMatch".to_owned())
    );
    assert_nothing_is_visible(&server);
    assert_eq!(put("123456789").status, 200);
    assert_eq!(server.signed("GET", "/raw/k", &[], b"").body, CONTENT);
}

/// A body of one chunk, signed as `promised` and sent as `sent`, and the empty one at the end.
fn signed_chunks(
    signer: &Signer,
    headers: &[(String, String)],
    promised: &[u8],
    sent: &str,
) -> String {
    let seed = headers
        .iter()
        .find_map(|(name, value)| {
            (name == "authorization").then(|| value.rsplit_once("Signature="))
        })
        .flatten()
        .unwrap()
        .1
        .to_owned();
    let sign = |previous: &str, content: &[u8]| {
        use sha2::{Digest as _, Sha256};
        signer.sign(&format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{previous}\n{}\n{}",
            signer.timestamp(),
            signer.scope(),
            hex::encode(Sha256::digest(b"")),
            hex::encode(Sha256::digest(content)),
        ))
    };
    let first = sign(&seed, promised);
    let last = sign(&first, b"");
    format!("9;chunk-signature={first}\r\n{sent}\r\n0;chunk-signature={last}\r\n\r\n")
}
