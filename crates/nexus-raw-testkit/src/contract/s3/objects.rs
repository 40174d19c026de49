//! Objects: a read returns what was uploaded.

use super::bench::{Bench, CONTENT, or, status_and_code};

/// Returns whether a GET returns a header of the upload.
fn kept(bench: &Bench, key: &str, name: &str, value: &str) -> String {
    let path = bench.path(key);
    let put = bench.signed("PUT", &path, &[(name, value)], CONTENT);
    if put.status != 200 {
        return status_and_code(&put);
    }
    let got = bench.signed("GET", &path, &[], b"");
    let returned = got.header(name).unwrap_or("nothing");
    or(returned == value, returned)
}

pub fn a_content_type_is_kept(bench: &Bench) -> String {
    kept(
        bench,
        "k",
        "content-type",
        "image/svg+xml; charset=\"utf-8\"",
    )
}

pub fn a_content_type_is_kept_despite_the_extension(bench: &Bench) -> String {
    kept(bench, "k.html", "content-type", "text/plain")
}

pub fn octet_stream_is_kept_despite_the_extension(bench: &Bench) -> String {
    kept(bench, "k.pdf", "content-type", "application/octet-stream")
}

pub fn the_default_content_type_is_that_of_s3(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.place(&path, &[], CONTENT);
    let head = bench.signed("HEAD", &path, &[], b"");
    head.header("content-type").unwrap_or("none").to_owned()
}

pub fn metadata_is_kept(bench: &Bench) -> String {
    kept(
        bench,
        "k",
        "x-amz-meta-note",
        "Mixed Case; a=b, \"c\" %41+~",
    )
}

pub fn empty_metadata_is_kept(bench: &Bench) -> String {
    kept(bench, "k", "x-amz-meta-note", "")
}

pub fn metadata_beyond_2_kib_is_refused(bench: &Bench) -> String {
    let path = bench.path("k");
    let long = "x".repeat(2049);
    bench.outcome(
        &path,
        &bench.signed("PUT", &path, &[("x-amz-meta-a", &long)], CONTENT),
    )
}

pub fn a_content_encoding_is_kept(bench: &Bench) -> String {
    kept(bench, "k", "content-encoding", "gzip")
}

pub fn a_cache_control_is_kept(bench: &Bench) -> String {
    kept(bench, "k", "cache-control", "no-store")
}

pub fn a_content_disposition_is_kept(bench: &Bench) -> String {
    kept(
        bench,
        "k",
        "content-disposition",
        "inline; filename=\"a.jpg\"",
    )
}

pub fn the_tag_of_a_single_put_is_its_md5(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.place(&path, &[], b"123456789");
    let head = bench.signed("HEAD", &path, &[], b"");
    let tag = head.header("etag").unwrap_or("none");
    or(tag == "\"25f9e794323b453885f5181f1b624d0b\"", tag)
}

pub fn no_bytes_and_one_byte_are_kept(bench: &Bench) -> String {
    let returned = [&b""[..], b"x"].map(|content| {
        let path = bench.path(&format!("k{}", content.len()));
        bench.place(&path, &[], content);
        let got = bench.signed("GET", &path, &[], b"");
        let length = got.header("content-length").unwrap_or("none").to_owned();
        or(
            got.body == content && length == content.len().to_string(),
            "other",
        )
    });
    returned.join(", ")
}

pub fn six_mebibytes_are_kept(bench: &Bench) -> String {
    let content: Vec<u8> = (0..6_291_457_u32).map(|at| (at % 251) as u8).collect();
    let path = bench.path("k");
    bench.place(&path, &[], &content);
    or(
        bench.signed("GET", &path, &[], b"").body == content,
        "other bytes",
    )
}

pub fn a_range_is_a_part(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.place(&path, &[], b"123456789");
    let got = bench.signed("GET", &path, &[("range", "bytes=2-4")], b"");
    let part = String::from_utf8_lossy(&got.body).into_owned();
    format!("{} {part}", got.status)
}

pub fn a_repeated_delete_succeeds(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.place(&path, &[], CONTENT);
    let deletes = [(); 2].map(|()| status_and_code(&bench.signed("DELETE", &path, &[], b"")));
    let read = status_and_code(&bench.signed("GET", &path, &[], b""));
    format!("{}, then {read}", deletes.join(", "))
}

pub fn an_absent_key_and_an_absent_bucket_have_different_errors(bench: &Bench) -> String {
    let key = status_and_code(&bench.signed("GET", &bench.path("absent"), &[], b""));
    let bucket = status_and_code(&bench.signed("GET", "/nexus-raw-no-such-bucket/k", &[], b""));
    format!("{key}, {bucket}")
}

pub fn an_absent_key_is_a_plain_404_to_head(bench: &Bench) -> String {
    status_and_code(&bench.signed("HEAD", &bench.path("absent"), &[], b""))
}

pub fn a_versioned_bucket_returns_versions(bench: &Bench) -> String {
    let bucket = bench.new_bucket();
    let rule = b"<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <Status>Enabled</Status></VersioningConfiguration>";
    let enabled = bench.signed("PUT", &format!("{bucket}?versioning"), &[], rule);
    if enabled.status != 200 {
        return status_and_code(&enabled);
    }
    let put = bench.signed("PUT", &format!("{bucket}/k"), &[], CONTENT);
    let head = bench.signed("HEAD", &format!("{bucket}/k"), &[], b"");
    let versions = [put, head].map(|it| it.header("x-amz-version-id").map(str::to_owned));
    or(versions[0].is_some() && versions[0] == versions[1], "none")
}

pub fn encryption_by_the_store_is_done_and_reported(bench: &Bench) -> String {
    let path = bench.path("k");
    let name = "x-amz-server-side-encryption";
    let put = bench.signed("PUT", &path, &[(name, "AES256")], CONTENT);
    if put.status != 200 {
        return status_and_code(&put);
    }
    let got = bench.signed("GET", &path, &[], b"");
    let returned = got.header(name).unwrap_or("nothing");
    or(returned == "AES256" && got.body == CONTENT, returned)
}
