//! Parts of multipart uploads.

use super::bench::{Bench, CONTENT, OTHER, or, status_and_code};
use crate::s3::{Answer, MultipartClient, base64_sha256};

/// Begins an upload of the rule's object.
pub(super) fn begin(bench: &Bench) -> MultipartClient {
    MultipartClient::begin(&bench.endpoint, &bench.path("k"), &[])
}

/// Returns the response to a part, and whether the store has done otherwise.
fn outcome(upload: &MultipartClient, answer: &Answer) -> String {
    let stored = !upload.list("").texts("PartNumber").is_empty();
    let response = status_and_code(answer);
    match (answer.status < 300, stored) {
        (true, false) => format!("{response}, not stored"),
        (false, true) => format!("{response}, stored"),
        _ => response,
    }
}

/// The headers of a part of [`CONTENT`], as the service presigns it.
fn headers() -> Vec<(String, String)> {
    vec![
        ("content-length".to_owned(), CONTENT.len().to_string()),
        ("x-amz-checksum-sha256".to_owned(), base64_sha256(CONTENT)),
    ]
}

/// Presigns a part of [`CONTENT`], and uploads `content` with these headers.
fn put_presigned(bench: &Bench, sent: &[(String, String)], content: &[u8]) -> String {
    let upload = begin(bench);
    let target = upload.presign(1, &headers());
    outcome(&upload, &bench.send("PUT", &target, sent, content))
}

pub fn a_presigned_part_is_stored(bench: &Bench) -> String {
    put_presigned(bench, &headers(), CONTENT)
}

pub fn other_bytes_of_a_presigned_part_are_refused(bench: &Bench) -> String {
    put_presigned(bench, &headers(), OTHER)
}

pub fn a_presigned_part_of_another_length_is_refused(bench: &Bench) -> String {
    let mut other = headers();
    "11".clone_into(&mut other[0].1);
    put_presigned(bench, &other, &CONTENT[1..])
}

pub fn a_presigned_part_without_its_checksum_is_refused(bench: &Bench) -> String {
    put_presigned(bench, &headers()[..1], CONTENT)
}

pub fn a_presigned_part_with_an_unsigned_header_is_refused(bench: &Bench) -> String {
    let mut more = headers();
    more.push(("x-amz-meta-owner".to_owned(), "me".to_owned()));
    put_presigned(bench, &more, CONTENT)
}

pub fn a_presigned_part_of_another_number_is_refused(bench: &Bench) -> String {
    let upload = begin(bench);
    let target = upload.presign(1, &headers());
    let other = target.replacen("partNumber=1&", "partNumber=2&", 1);
    assert_ne!(other, target, "the number is not in the URL");
    outcome(&upload, &bench.send("PUT", &other, &headers(), CONTENT))
}

pub fn a_presigned_part_is_not_a_part_of_another_upload(bench: &Bench) -> String {
    let (upload, other) = (begin(bench), begin(bench));
    let target = upload.presign(1, &headers());
    let target = target.replacen(&upload.upload_id, &other.upload_id, 1);
    outcome(&other, &bench.send("PUT", &target, &headers(), CONTENT))
}

pub fn other_bytes_of_a_signed_part_are_refused(bench: &Bench) -> String {
    let upload = begin(bench);
    let checksum = base64_sha256(CONTENT);
    let headers = [("x-amz-checksum-sha256", &*checksum)];
    let put = bench.signed("PUT", &upload.part_target(1), &headers, OTHER);
    outcome(&upload, &put)
}

pub fn a_refused_part_keeps_the_old_one(bench: &Bench) -> String {
    let upload = begin(bench);
    let kept = upload.place(1, CONTENT);
    let checksum = base64_sha256(CONTENT);
    let headers = [("x-amz-checksum-sha256", &*checksum)];
    let refused = bench.signed("PUT", &upload.part_target(1), &headers, OTHER);
    let is_kept = upload.list("").texts("ETag") == [kept.etag];
    let refused = status_and_code(&refused);
    refused + if is_kept { "" } else { ", overwritten" }
}

pub fn a_part_has_the_checksum_of_its_upload(bench: &Bench) -> String {
    let upload = begin(bench);
    let put = bench.signed("PUT", &upload.part_target(1), &[], CONTENT);
    outcome(&upload, &put)
}

pub fn a_part_number_is_between_1_and_10000(bench: &Bench) -> String {
    let upload = begin(bench);
    [0, 1, 10_000, 10_001]
        .map(|number| status_and_code(&upload.put(number, CONTENT)))
        .join(", ")
}

pub fn a_part_of_an_unknown_upload_is_refused(bench: &Bench) -> String {
    let mut upload = begin(bench);
    assert_eq!(upload.abort().status, 204);
    let aborted = status_and_code(&upload.put(1, CONTENT));
    "unknown".clone_into(&mut upload.upload_id);
    format!("{aborted}, {}", status_and_code(&upload.put(1, CONTENT)))
}

pub fn an_upload_belongs_to_its_key(bench: &Bench) -> String {
    let mut upload = begin(bench);
    upload.path = bench.path("other");
    status_and_code(&upload.put(1, CONTENT))
}

pub fn a_part_answers_its_checksum(bench: &Bench) -> String {
    let put = begin(bench).put(1, CONTENT);
    let answered = put.header("x-amz-checksum-sha256").unwrap_or("nothing");
    or(answered == base64_sha256(CONTENT), answered)
}

pub fn an_upload_without_a_signature_is_not_begun(bench: &Bench) -> String {
    let target = format!("{}?uploads", bench.path("k"));
    status_and_code(&bench.send("POST", &target, &[], b""))
}
