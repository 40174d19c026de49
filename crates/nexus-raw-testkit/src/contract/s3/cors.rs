//! What a page of another origin needs: permission to upload and to download, and responses that it
//! may read.

use serde_json::Value;

use super::bench::{Bench, CONTENT, ORIGIN, or, status_and_code};
use crate::s3::{Answer, Endpoint, xml_document};

/// The document with the rule that a bucket needs for pages.
const DOCUMENT: &str = include_str!("../../../../../docs/BROWSERS.md");

/// Sets the bucket's CORS rule to that of `docs/BROWSERS.md`, for pages of this origin.
///
/// # Panics
/// If the document has no such rule.
#[must_use]
pub fn set_cors_rule(endpoint: &Endpoint, bucket: &str, origin: &str) -> Answer {
    let rule = documented_rule().replace(ORIGIN, origin);
    let target = format!("/{bucket}?cors");
    endpoint.signed("PUT", &target, &[], rule.as_bytes())
}

/// Returns the rule as XML, for `PutBucketCors`; command lines use JSON.
fn documented_rule() -> String {
    let rule = DOCUMENT.split("```json\n").nth(1).unwrap();
    let rule: Value = serde_json::from_str(rule.split("```").next().unwrap()).unwrap();
    xml_document("CORSConfiguration", &rule)
}

fn preflight(bench: &Bench, origin: &str, method: &str, headers: &str) -> Answer {
    let head = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", headers),
    ]
    .into_iter()
    // a browser names headers only if there are any
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let head: Vec<_> = head.collect();
    bench.send("OPTIONS", &bench.upload().target, &head, b"")
}

/// Returns whether a list in a header has all of `wanted`, in any case.
fn names(answer: &Answer, header: &str, wanted: &[&str]) -> bool {
    let list = answer
        .header(header)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let listed: Vec<_> = list.split(',').map(str::trim).collect();
    wanted
        .iter()
        .all(|name| listed.contains(name) || listed == ["*"])
}

const SIGNED: &str = "content-type,if-none-match,x-amz-checksum-sha256,x-amz-meta-asset-id,\
    x-amz-meta-env,x-amz-meta-tenant-id,x-amz-server-side-encryption,\
    x-amz-server-side-encryption-aws-kms-key-id";

pub fn a_bucket_accepts_a_cors_rule(bench: &Bench) -> String {
    let bucket = bench.new_bucket();
    status_and_code(&set_cors_rule(&bench.endpoint, &bucket[1..], ORIGIN))
}

pub fn a_page_of_the_origin_may_upload(bench: &Bench) -> String {
    let answer = preflight(bench, ORIGIN, "PUT", SIGNED);
    let origin = answer
        .header("access-control-allow-origin")
        .unwrap_or("none");
    let methods = names(&answer, "access-control-allow-methods", &["put"]);
    let wanted: Vec<_> = SIGNED.split(',').collect();
    let headers = names(&answer, "access-control-allow-headers", &wanted);
    let missing = if methods && headers { "" } else { ", not all" };
    format!("{} for {origin}{missing}", answer.status)
}

pub fn a_page_of_another_origin_may_not_upload(bench: &Bench) -> String {
    let answer = preflight(bench, "https://evil.example", "PUT", SIGNED);
    let origin = answer.header("access-control-allow-origin");
    status_and_code(&answer) + origin.map_or("", |_| ", allowed")
}

/// Returns the response to a preflight, and whether a browser would send the request: it reads the
/// lists and ignores the status.
fn refused(bench: &Bench, method: &str, headers: &[&str]) -> String {
    let answer = preflight(bench, ORIGIN, method, &headers.join(","));
    let method = names(
        &answer,
        "access-control-allow-methods",
        &[&method.to_lowercase()],
    );
    let headers = names(&answer, "access-control-allow-headers", headers);
    status_and_code(&answer) + if method && headers { ", allowed" } else { "" }
}

pub fn a_page_may_not_delete(bench: &Bench) -> String {
    refused(bench, "DELETE", &[])
}

pub fn a_page_of_the_origin_may_download(bench: &Bench) -> String {
    let answer = preflight(bench, ORIGIN, "GET", "");
    let origin = answer
        .header("access-control-allow-origin")
        .unwrap_or("none");
    let is_allowed = names(&answer, "access-control-allow-methods", &["get"]);
    let missing = if is_allowed { "" } else { ", not GET" };
    format!("{} for {origin}{missing}", answer.status)
}

pub fn a_page_of_another_origin_may_not_download(bench: &Bench) -> String {
    let answer = preflight(bench, "https://evil.example", "GET", "");
    let origin = answer.header("access-control-allow-origin");
    status_and_code(&answer) + origin.map_or("", |_| ", allowed")
}

pub fn a_page_may_download_with_no_other_header(bench: &Bench) -> String {
    refused(bench, "GET", &["x-amz-acl"])
}

pub fn a_page_may_send_no_other_header(bench: &Bench) -> String {
    refused(bench, "PUT", &["content-type", "x-amz-acl"])
}

/// Returns the response to a page's PUT, as the page sees it.
fn seen(bench: &Bench, origin: &str) -> (Answer, String) {
    let upload = bench.upload().with("origin", origin);
    let answer = bench.send("PUT", &upload.target, &upload.headers, CONTENT);
    let returned = answer
        .header("access-control-allow-origin")
        .unwrap_or("nobody");
    let returned = format!("{} for {returned}", answer.status);
    (answer, returned)
}

pub fn the_page_may_read_the_tag_of_its_upload(bench: &Bench) -> String {
    let (answer, returned) = seen(bench, ORIGIN);
    let exposed = names(&answer, "access-control-expose-headers", &["etag"]);
    format!("{returned}, {}", or(exposed, "ETag hidden"))
}

pub fn the_response_varies_by_origin(bench: &Bench) -> String {
    let (answer, _) = seen(bench, ORIGIN);
    let vary = answer.headers.iter().filter(|(name, _)| name == "vary");
    let named = vary
        .flat_map(|(_, value)| value.split(','))
        .any(|it| it.trim() == "Origin");
    or(named, "no")
}

pub fn a_page_of_another_origin_reads_nothing(bench: &Bench) -> String {
    seen(bench, "https://evil.example").1
}

/// Returns the status of a page's request for an absent key, and who may read the response.
fn page_request(bench: &Bench, method: &str, origin: &str) -> String {
    let path = bench.path("k");
    let mut headers = bench.signer().sign_header(method, &path, &[], b"");
    headers.push(("origin".to_owned(), origin.to_owned()));
    let answer = bench.send(method, &path, &headers, b"");
    let returned = answer.header("access-control-allow-origin");
    format!("{} for {}", answer.status, returned.unwrap_or("nobody"))
}

pub fn a_page_cannot_read_the_response_to_another_method(bench: &Bench) -> String {
    page_request(bench, "HEAD", ORIGIN)
}

pub fn the_page_may_read_the_response_to_a_get(bench: &Bench) -> String {
    page_request(bench, "GET", ORIGIN)
}

pub fn a_page_of_another_origin_reads_no_response_to_a_get(bench: &Bench) -> String {
    page_request(bench, "GET", "https://evil.example")
}

pub fn the_page_may_read_a_refusal(bench: &Bench) -> String {
    assert_eq!(seen(bench, ORIGIN).0.status, 200);
    seen(bench, ORIGIN).1
}

pub fn without_a_rule_no_page_reads_anything(bench: &Bench) -> String {
    let path = format!("{}/k", bench.new_bucket());
    let mut headers = bench.signer().sign_header("PUT", &path, &[], CONTENT);
    headers.push(("origin".to_owned(), "https://evil.example".to_owned()));
    let answer = bench.send("PUT", &path, &headers, CONTENT);
    let returned = answer.header("access-control-allow-origin");
    format!("{} for {}", answer.status, returned.unwrap_or("nobody"))
}
