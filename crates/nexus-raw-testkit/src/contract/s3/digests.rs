//! Digests that an upload declares. A refused upload stores nothing.

use super::bench::{Bench, or, status_and_code};

const CONTENT: &[u8] = b"123456789";
const OTHER: &[u8] = b"123456780";

/// The digests of [`CONTENT`], the check values of the algorithms, in base64.
const MD5: (&str, &str) = ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==");
const CRC32: (&str, &str) = ("x-amz-checksum-crc32", "y/Q5Jg==");
const CRC32C: (&str, &str) = ("x-amz-checksum-crc32c", "4waSgw==");
const CRC64NVME: (&str, &str) = ("x-amz-checksum-crc64nvme", "rosUhgp5mIg=");
const SHA1: (&str, &str) = ("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE=");
const SHA256: (&str, &str) = (
    "x-amz-checksum-sha256",
    "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
);

/// Uploads the right bytes, then wrong ones to another key, and returns both outcomes.
fn checked(bench: &Bench, digest: (&str, &str)) -> String {
    let (right, wrong) = (bench.path("right"), bench.path("wrong"));
    let stored = bench.signed("PUT", &right, &[digest], CONTENT);
    let refused = bench.signed("PUT", &wrong, &[digest], OTHER);
    format!(
        "{} or {}",
        bench.outcome(&right, &stored),
        bench.outcome(&wrong, &refused)
    )
}

pub fn content_md5_is_checked(bench: &Bench) -> String {
    checked(bench, MD5)
}

pub fn crc32_is_checked(bench: &Bench) -> String {
    checked(bench, CRC32)
}

pub fn crc32c_is_checked(bench: &Bench) -> String {
    checked(bench, CRC32C)
}

pub fn crc64nvme_is_checked(bench: &Bench) -> String {
    checked(bench, CRC64NVME)
}

pub fn sha1_is_checked(bench: &Bench) -> String {
    checked(bench, SHA1)
}

pub fn sha256_is_checked(bench: &Bench) -> String {
    checked(bench, SHA256)
}

pub fn a_refused_write_keeps_the_old_object(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.place(&path, &[], CONTENT);
    let wrong = bench.signed("PUT", &path, &[SHA256], OTHER);
    let there = bench.signed("GET", &path, &[], b"").body;
    status_and_code(&wrong)
        + if there == CONTENT {
            ""
        } else {
            ", overwritten"
        }
}

pub fn a_malformed_md5_is_refused(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.outcome(
        &path,
        &bench.signed("PUT", &path, &[("content-md5", "!")], CONTENT),
    )
}

pub fn a_malformed_checksum_is_refused(bench: &Bench) -> String {
    let path = bench.path("k");
    let malformed = [("x-amz-checksum-sha256", "!")];
    bench.outcome(&path, &bench.signed("PUT", &path, &malformed, CONTENT))
}

pub fn two_checksums_are_refused(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.outcome(
        &path,
        &bench.signed("PUT", &path, &[CRC32, SHA256], CONTENT),
    )
}

pub fn a_checksum_is_returned_if_requested(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.place(&path, &[SHA256], CONTENT);
    let head = bench.signed("HEAD", &path, &[("x-amz-checksum-mode", "ENABLED")], b"");
    let returned = head.header(SHA256.0).unwrap_or("nothing");
    or(returned == SHA256.1, returned)
}

pub fn a_checksum_is_not_returned_by_default(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.place(&path, &[SHA256], CONTENT);
    let head = bench.signed("HEAD", &path, &[], b"");
    or(head.header(SHA256.0).is_none(), "returned")
}
