//! Headers of a presigned URL: each signed one is checked, and unsigned ones are refused.

use super::bench::Bench;

pub fn another_content_type_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().with("content-type", "text/html"))
}

pub fn no_content_type_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().without("content-type"))
}

pub fn no_create_once_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().without("if-none-match"))
}

pub fn another_condition_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().with("if-none-match", "\"0\""))
}

pub fn no_checksum_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().without("x-amz-checksum-sha256"))
}

pub fn another_checksum_is_refused(bench: &Bench) -> String {
    let other = crate::s3::base64_sha256(b"other");
    bench.put(&bench.upload().with("x-amz-checksum-sha256", &other))
}

pub fn other_metadata_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().with("x-amz-meta-tenant-id", "t_other"))
}

pub fn no_metadata_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().without("x-amz-meta-tenant-id"))
}

pub fn unsigned_metadata_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().with("x-amz-meta-owner", "me"))
}

pub fn an_unsigned_acl_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().with("x-amz-acl", "public-read"))
}

pub fn an_unsigned_grant_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().with("x-amz-grant-read", "id=1"))
}

pub fn an_unsigned_copy_source_is_refused(bench: &Bench) -> String {
    let source = bench.path("source");
    bench.place(&source, &[], b"not a photo.");
    bench.put(&bench.upload().with("x-amz-copy-source", &source))
}

pub fn an_unsigned_tagging_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().with("x-amz-tagging", "a=b"))
}

pub fn an_unsigned_storage_class_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().with("x-amz-storage-class", "GLACIER"))
}

pub fn an_unsigned_redirect_is_refused(bench: &Bench) -> String {
    let (name, value) = ("x-amz-website-redirect-location", "https://x.example");
    bench.put(&bench.upload().with(name, value))
}

pub fn an_unsigned_encryption_is_refused(bench: &Bench) -> String {
    bench.put(
        &bench
            .upload()
            .with("x-amz-server-side-encryption", "AES256"),
    )
}

pub fn an_unsigned_lock_is_refused(bench: &Bench) -> String {
    bench.put(&bench.upload().with("x-amz-object-lock-legal-hold", "ON"))
}

pub fn an_unsigned_content_disposition_is_taken(bench: &Bench) -> String {
    bench.put(&bench.upload().with("content-disposition", "inline"))
}

pub fn an_unsigned_cache_control_is_taken(bench: &Bench) -> String {
    bench.put(&bench.upload().with("cache-control", "no-store"))
}
