//! Requests signed in their header, in one piece and in chunks, and unsigned requests.

use sha2::{Digest as _, Sha256};

use super::bench::{Bench, CONTENT, OTHER, status_and_code};
use crate::s3::{Answer, Signer, base64_sha256};

fn put_by(bench: &Bench, signer: &Signer) -> String {
    let path = bench.path("k");
    let headers = signer.sign_header("PUT", &path, &[], CONTENT);
    bench.outcome(&path, &bench.send("PUT", &path, &headers, CONTENT))
}

pub fn a_signed_put_is_stored(bench: &Bench) -> String {
    put_by(bench, &bench.signer())
}

pub fn a_request_without_a_signature_is_refused(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.outcome(&path, &bench.send("PUT", &path, &[], CONTENT))
}

pub fn a_read_without_a_signature_is_refused(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.place(&path, &[], CONTENT);
    status_and_code(&bench.send("GET", &path, &[], b""))
}

pub fn another_secret_is_refused(bench: &Bench) -> String {
    let mut signer = bench.signer();
    signer.secret = "another-secret".into();
    put_by(bench, &signer)
}

pub fn an_unknown_key_id_is_refused(bench: &Bench) -> String {
    let mut signer = bench.signer();
    signer.key_id = "AKIDUNKNOWN".into();
    put_by(bench, &signer)
}

pub fn another_region_in_the_header_is_refused(bench: &Bench) -> String {
    let mut signer = bench.signer();
    signer.region = "moon-north-1".into();
    put_by(bench, &signer)
}

pub fn another_service_in_the_header_is_refused(bench: &Bench) -> String {
    let mut signer = bench.signer();
    signer.service = "sts".into();
    put_by(bench, &signer)
}

pub fn a_date_sixteen_minutes_ago_is_refused(bench: &Bench) -> String {
    put_by(bench, &bench.signer().signed_at(-16 * 60))
}

pub fn a_date_sixteen_minutes_ahead_is_refused(bench: &Bench) -> String {
    put_by(bench, &bench.signer().signed_at(16 * 60))
}

pub fn an_unknown_session_token_is_refused(bench: &Bench) -> String {
    let path = bench.path("k");
    let token = [("x-amz-security-token", "a-token")];
    bench.outcome(&path, &bench.signed("PUT", &path, &token, CONTENT))
}

pub fn version_2_in_the_header_is_refused(bench: &Bench) -> String {
    let path = bench.path("k");
    let claim = format!("AWS {}:c2lnbmF0dXJl", bench.endpoint.access_key_id);
    let headers = [("authorization".to_owned(), claim)];
    bench.outcome(&path, &bench.send("PUT", &path, &headers, CONTENT))
}

pub fn version_2_in_the_query_is_refused(bench: &Bench) -> String {
    let path = bench.path("k");
    let id = &bench.endpoint.access_key_id;
    let target = format!("{path}?AWSAccessKeyId={id}&Expires=4102444800&Signature=c2lnbmF0dXJl");
    bench.outcome(&path, &bench.send("PUT", &target, &[], CONTENT))
}

pub fn another_target_than_signed_is_refused(bench: &Bench) -> String {
    let (signed, path) = (bench.path("signed"), bench.path("k"));
    let headers = bench.signer().sign_header("PUT", &signed, &[], CONTENT);
    bench.outcome(&path, &bench.send("PUT", &path, &headers, CONTENT))
}

pub fn an_unsigned_header_beside_a_signature_is_refused(bench: &Bench) -> String {
    let path = bench.path("k");
    let mut headers = bench.signer().sign_header("PUT", &path, &[], CONTENT);
    headers.push(("x-amz-meta-owner".to_owned(), "me".to_owned()));
    bench.outcome(&path, &bench.send("PUT", &path, &headers, CONTENT))
}

pub fn other_bytes_than_the_signed_digest_are_refused(bench: &Bench) -> String {
    let path = bench.path("k");
    let headers = bench.signer().sign_header("PUT", &path, &[], CONTENT);
    bench.outcome(&path, &bench.send("PUT", &path, &headers, OTHER))
}

/// Sends [`CONTENT`] as a signed stream of one chunk that carries `sent`.
fn stream(bench: &Bench, sent: &str) -> Answer {
    let (path, signer) = (bench.path("k"), bench.signer());
    let length = CONTENT.len().to_string();
    let mut headers = signer.sign_header(
        "PUT",
        &path,
        &[
            ("content-encoding", "aws-chunked"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("x-amz-decoded-content-length", &length),
        ],
        b"",
    );
    let body = signed_chunks(&signer, &headers, sent);
    headers.push(("content-length".to_owned(), body.len().to_string()));
    bench.send("PUT", &path, &headers, body.as_bytes())
}

/// One chunk, signed for [`CONTENT`], and the empty one at the end:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>.
fn signed_chunks(signer: &Signer, headers: &[(String, String)], sent: &str) -> String {
    let authorization = headers.iter().find(|(name, _)| name == "authorization");
    let (_, seed) = authorization.unwrap().1.rsplit_once("Signature=").unwrap();
    let sign = |previous: &str, content: &[u8]| {
        signer.sign(&format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{previous}\n{}\n{}",
            signer.timestamp(),
            signer.scope(),
            hex::encode(Sha256::digest(b"")),
            hex::encode(Sha256::digest(content)),
        ))
    };
    let first = sign(seed, CONTENT);
    let last = sign(&first, b"");
    let size = CONTENT.len();
    format!("{size:x};chunk-signature={first}\r\n{sent}\r\n0;chunk-signature={last}\r\n\r\n")
}

fn content(bench: &Bench) -> String {
    let got = bench.signed("GET", &bench.path("k"), &[], b"");
    format!("{} {}", got.status, String::from_utf8_lossy(&got.body))
}

pub fn a_signed_stream_is_stored_without_its_framing(bench: &Bench) -> String {
    let put = stream(bench, "a photograph");
    format!("{}, then {}", status_and_code(&put), content(bench))
}

pub fn another_chunk_than_signed_is_refused(bench: &Bench) -> String {
    let put = stream(bench, "a holograph!");
    bench.outcome(&bench.path("k"), &put)
}

/// An unsigned stream with a checksum in its trailer, as the SDKs send by default.
fn with_trailer(bench: &Bench, checksum: &str) -> Answer {
    let (size, length) = (CONTENT.len(), CONTENT.len().to_string());
    let body = format!("{size:x}\r\na photograph\r\n0\r\nx-amz-checksum-sha256:{checksum}\r\n\r\n");
    let headers = [
        ("content-encoding", "aws-chunked"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", &*length),
        ("x-amz-trailer", "x-amz-checksum-sha256"),
    ];
    bench.signed("PUT", &bench.path("k"), &headers, body.as_bytes())
}

pub fn a_stream_with_a_trailer_is_stored_without_its_framing(bench: &Bench) -> String {
    let put = with_trailer(bench, &base64_sha256(CONTENT));
    format!("{}, then {}", status_and_code(&put), content(bench))
}

pub fn a_wrong_checksum_in_a_trailer_is_refused(bench: &Bench) -> String {
    let put = with_trailer(bench, &base64_sha256(OTHER));
    bench.outcome(&bench.path("k"), &put)
}
