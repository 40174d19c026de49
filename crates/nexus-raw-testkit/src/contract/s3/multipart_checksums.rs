//! Checksums of multipart uploads: algorithms, their types, and where they are answered.
//!
//! What AWS answered was measured by others (<https://github.com/floci-io/floci/pull/3093>).

use super::bench::{Bench, CONTENT, status_and_code};
use super::multipart_parts::begin;
use crate::s3::{Answer, base64_sha256};

/// Begins an upload with these values of `x-amz-checksum-*`.
fn begin_with(bench: &Bench, checksum: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> = checksum
        .iter()
        .map(|(name, value)| (format!("x-amz-checksum-{name}"), *value))
        .collect();
    let headers: Vec<_> = headers.iter().map(|(name, it)| (&**name, *it)).collect();
    bench.signed(
        "POST",
        &format!("{}?uploads", bench.path("k")),
        &headers,
        b"",
    )
}

/// Returns the text of an XML element, or `nothing`.
fn text(answer: &Answer, name: &str) -> String {
    let texts = answer.texts(name);
    texts.first().map_or("nothing", String::as_str).to_owned()
}

/// Returns the response to the begin of an upload, with its checksum.
fn begun(bench: &Bench, checksum: &[(&str, &str)]) -> String {
    let begun = begin_with(bench, checksum);
    if begun.status != 200 {
        return status_and_code(&begun);
    }
    ["algorithm", "type"]
        .map(|name| format!("x-amz-checksum-{name}"))
        .map(|name| begun.header(&name).unwrap_or("nothing").to_owned())
        .join(" ")
}

/// Uploads [`CONTENT`] as the only part, whose checksum is `value`, and returns the checksum of the
/// object and its type. The values were computed by other means.
fn object_of(bench: &Bench, checksum: &[(&str, &str)], algorithm: &str, value: &str) -> String {
    let header = format!("x-amz-checksum-{}", algorithm.to_lowercase());
    let begun = begin_with(bench, checksum);
    let target = format!(
        "{}?uploadId={}",
        bench.path("k"),
        begun.texts("UploadId").concat()
    );
    let part = format!("{target}&partNumber=1");
    let sent = [(&*header, value)];
    let sent = if value.is_empty() { &[] } else { &sent[..] };
    let put = bench.signed("PUT", &part, sent, CONTENT);
    let element = match value {
        "" => String::new(),
        value => format!("<Checksum{algorithm}>{value}</Checksum{algorithm}>"),
    };
    let completion = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag>{element}</Part>\
         </CompleteMultipartUpload>",
        put.header("etag").unwrap_or_default()
    );
    let completed = bench.signed("POST", &target, &[], completion.as_bytes());
    let refused = [begun, put, completed];
    if let Some(refused) = refused.iter().find(|answer| answer.status != 200) {
        return status_and_code(refused);
    }
    let mode = [("x-amz-checksum-mode", "ENABLED")];
    let head = bench.signed("HEAD", &bench.path("k"), &mode, b"");
    [&*header, "x-amz-checksum-type"]
        .map(|name| head.header(name).unwrap_or("nothing"))
        .join(" ")
}

pub fn an_upload_answers_its_checksum(bench: &Bench) -> String {
    begun(bench, &[("algorithm", "SHA256"), ("type", "COMPOSITE")])
}

pub fn an_upload_with_sha256_alone_is_composite(bench: &Bench) -> String {
    begun(bench, &[("algorithm", "SHA256")])
}

pub fn an_upload_of_full_object_sha256_is_refused(bench: &Bench) -> String {
    begun(bench, &[("algorithm", "SHA256"), ("type", "FULL_OBJECT")])
}

pub fn an_upload_of_full_object_sha1_is_refused(bench: &Bench) -> String {
    begun(bench, &[("algorithm", "SHA1"), ("type", "FULL_OBJECT")])
}

pub fn an_upload_of_composite_crc64nvme_is_refused(bench: &Bench) -> String {
    begun(bench, &[("algorithm", "CRC64NVME"), ("type", "COMPOSITE")])
}

pub fn an_upload_of_an_unknown_type_is_refused(bench: &Bench) -> String {
    begun(bench, &[("algorithm", "SHA256"), ("type", "OTHER")])
}

pub fn an_upload_of_an_unknown_algorithm_is_refused(bench: &Bench) -> String {
    begun(bench, &[("algorithm", "MD4")])
}

pub fn an_upload_of_a_type_without_an_algorithm_is_refused(bench: &Bench) -> String {
    begun(bench, &[("type", "COMPOSITE")])
}

pub fn one_part_with_sha256_is_composite(bench: &Bench) -> String {
    let value = base64_sha256(CONTENT);
    object_of(bench, &[("algorithm", "SHA256")], "SHA256", &value)
}

pub fn parts_with_sha1_are_composite(bench: &Bench) -> String {
    let value = "3FV34uZHcj4fWgvO/JnF/Zs/uBI=";
    object_of(bench, &[("algorithm", "SHA1")], "SHA1", value)
}

pub fn parts_with_crc32_are_composite(bench: &Bench) -> String {
    object_of(bench, &[("algorithm", "CRC32")], "CRC32", "eGXGmg==")
}

pub fn parts_with_crc32c_are_composite(bench: &Bench) -> String {
    object_of(bench, &[("algorithm", "CRC32C")], "CRC32C", "H/zd0w==")
}

pub fn parts_with_crc32_may_be_a_full_object(bench: &Bench) -> String {
    let checksum = [("algorithm", "CRC32"), ("type", "FULL_OBJECT")];
    object_of(bench, &checksum, "CRC32", "eGXGmg==")
}

pub fn parts_with_crc64nvme_are_a_full_object(bench: &Bench) -> String {
    let checksum = [("algorithm", "CRC64NVME")];
    object_of(bench, &checksum, "CRC64NVME", "wLWAUvtdUcU=")
}

pub fn parts_without_a_checksum_are_a_full_object_with_crc64nvme(bench: &Bench) -> String {
    object_of(bench, &[], "CRC64NVME", "")
}

pub fn a_part_with_the_checksum_of_another_algorithm_is_refused(bench: &Bench) -> String {
    let upload = begin(bench);
    let headers = [("x-amz-checksum-crc32", "eGXGmg==")];
    status_and_code(&bench.signed("PUT", &upload.part_target(1), &headers, CONTENT))
}

pub fn a_list_of_parts_has_the_checksum_of_its_upload(bench: &Bench) -> String {
    let list = begin(bench).list("");
    ["ChecksumAlgorithm", "ChecksumType"]
        .map(|name| text(&list, name))
        .join(" ")
}

pub fn a_completion_answers_its_checksum(bench: &Bench) -> String {
    let upload = begin(bench);
    let completed = upload.complete(&[upload.place(1, CONTENT)], &[]);
    ["ChecksumSHA256", "ChecksumType"]
        .map(|name| text(&completed, name))
        .join(" ")
}

pub fn a_completion_of_another_type_is_refused(bench: &Bench) -> String {
    let upload = begin(bench);
    let parts = [upload.place(1, CONTENT)];
    let other = [("x-amz-checksum-type", "FULL_OBJECT")];
    bench.outcome(&upload.path, &upload.complete(&parts, &other))
}

/// The tag has no quotes here, and the composite checksum no number of parts.
pub fn attributes_of_an_object_in_parts_are_bare(bench: &Bench) -> String {
    let upload = begin(bench);
    assert_eq!(
        upload.complete(&[upload.place(1, CONTENT)], &[]).status,
        200
    );
    let wanted = [("x-amz-object-attributes", "ETag,Checksum")];
    let target = format!("{}?attributes", upload.path);
    let attributes = bench.signed("GET", &target, &wanted, b"");
    if attributes.status != 200 {
        return status_and_code(&attributes);
    }
    ["ETag", "ChecksumSHA256", "ChecksumType"]
        .map(|name| text(&attributes, name))
        .join(" ")
}

/// A copy is one object, whose tag is the MD5 of its content.
pub fn a_copy_of_an_object_in_parts_is_not_in_parts(bench: &Bench) -> String {
    let upload = begin(bench);
    assert_eq!(
        upload.complete(&[upload.place(1, CONTENT)], &[]).status,
        200
    );
    let source = [("x-amz-copy-source", &*upload.path)];
    let copied = bench.signed("PUT", &bench.path("copy"), &source, b"");
    format!(
        "{} {}",
        status_and_code(&copied),
        copied.texts("ETag").concat()
    )
    .trim()
    .to_owned()
}
