//! Lists of multipart uploads and of their parts.

use super::bench::{Bench, CONTENT, OTHER, or, status_and_code};
use super::multipart_parts::begin;
use crate::s3::{Answer, MultipartClient, base64_sha256};

pub fn a_list_of_parts_has_tags_and_sizes(bench: &Bench) -> String {
    let upload = begin(bench);
    let parts = [upload.place(1, CONTENT), upload.place(2, b"more")];
    let list = upload.list("");
    let is_so = list.texts("ETag") == parts.map(|part| part.etag)
        && list.texts("Size") == ["12", "4"]
        && list.texts("LastModified").len() == 2;
    or(is_so, &String::from_utf8_lossy(&list.body))
}

pub fn a_list_of_parts_has_checksums(bench: &Bench) -> String {
    let upload = begin(bench);
    let _ = [upload.place(1, CONTENT), upload.place(2, OTHER)];
    let listed = upload.list("").texts("ChecksumSHA256");
    let is_so = listed == [CONTENT, OTHER].map(base64_sha256);
    or(is_so, &format!("{} of 2", listed.len()))
}

/// Returns the numbers of the parts of a page, and whether and where it continues.
fn page(list: &Answer, item: &str, next: &str) -> String {
    let items = list.texts(item).join(" ");
    match &*list.texts("IsTruncated").concat() {
        "true" => format!("{items} and more after {}", list.texts(next).concat()),
        "false" => items,
        other => format!("{items} {other}"),
    }
}

pub fn parts_are_listed_in_pages(bench: &Bench) -> String {
    let upload = begin(bench);
    let _ = [3, 1, 7].map(|number| upload.place(number, CONTENT));
    [
        "&max-parts=2",
        "&max-parts=2&part-number-marker=3",
        "&part-number-marker=7",
    ]
    .map(|query| page(&upload.list(query), "PartNumber", "NextPartNumberMarker"))
    .join("; ")
}

pub fn the_parts_of_an_aborted_upload_are_not_listed(bench: &Bench) -> String {
    let upload = begin(bench);
    let _ = upload.place(1, CONTENT);
    assert_eq!(upload.abort().status, 204);
    status_and_code(&upload.list(""))
}

/// Begins an upload for each key.
fn begin_all(bench: &Bench, keys: &[&str]) -> Vec<MultipartClient> {
    keys.iter()
        .map(|key| MultipartClient::begin(&bench.endpoint, &bench.path(key), &[]))
        .collect()
}

/// Lists the uploads whose keys start with a prefix within those of the rule.
fn list(bench: &Bench, prefix: &str, query: &str) -> Answer {
    let path = bench.path("");
    let (bucket, rule) = path[1..].split_once('/').unwrap();
    let target = format!("/{bucket}?uploads&prefix={rule}{prefix}{query}");
    bench.signed("GET", &target, &[], b"")
}

/// Returns the page with the prefix of the rule removed from its keys.
fn keys(bench: &Bench, list: &Answer) -> String {
    let path = bench.path("");
    let (_, rule) = path[1..].split_once('/').unwrap();
    page(list, "Key", "NextKeyMarker").replace(rule, "")
}

pub fn uploads_are_listed_by_prefix(bench: &Bench) -> String {
    let uploads = begin_all(bench, &["b", "a1", "a2"]);
    let listed = list(bench, "a", "");
    let ids: Vec<_> = [1, 2].map(|at| uploads[at].upload_id.clone()).into();
    let is_so = listed.texts("UploadId") == ids && listed.texts("Initiated").len() == 2;
    format!("{}, {}", keys(bench, &listed), or(is_so, "other ids"))
}

pub fn uploads_are_listed_in_pages(bench: &Bench) -> String {
    let _ = begin_all(bench, &["a", "b", "c"]);
    let first = list(bench, "", "&max-uploads=2");
    let key = first.texts("NextKeyMarker").concat();
    let id = first.texts("NextUploadIdMarker").concat();
    let rest = list(
        bench,
        "",
        &format!("&max-uploads=2&key-marker={key}&upload-id-marker={id}"),
    );
    format!("{}; {}", keys(bench, &first), keys(bench, &rest))
}

pub fn an_upload_that_has_ended_is_not_listed(bench: &Bench) -> String {
    let uploads = begin_all(bench, &["a", "b", "c"]);
    let part = uploads[0].place(1, CONTENT);
    assert_eq!(uploads[0].complete(&[part], &[]).status, 200);
    assert_eq!(uploads[1].abort().status, 204);
    keys(bench, &list(bench, "", ""))
}
