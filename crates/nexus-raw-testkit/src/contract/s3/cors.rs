//! What a page of another origin needs: leave to upload, and an answer that it may read.

use super::bench::{Bench, CONTENT, ORIGIN, or, said};
use crate::s3::{Answer, Endpoint};

/// The rule that a bucket needs for uploads from a page.
const RULE: &str = "<CORSConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><CORSRule>\
    <AllowedOrigin>https://app.example.com</AllowedOrigin>\
    <AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod>\
    <AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader>\
    <ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-amz-checksum-sha256</ExposeHeader>\
    <ExposeHeader>x-amz-version-id</ExposeHeader><MaxAgeSeconds>3000</MaxAgeSeconds>\
    </CORSRule></CORSConfiguration>";

/// Sets the bucket's rule for pages of `https://app.example.com`.
#[must_use]
pub fn set_cors_rule(endpoint: &Endpoint, bucket: &str) -> Answer {
    let target = format!("/{bucket}?cors");
    endpoint.signed("PUT", &target, &[], RULE.as_bytes())
}

fn preflight(bench: &Bench, origin: &str, method: &str, headers: &str) -> Answer {
    let head = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", headers),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    bench.send("OPTIONS", &bench.upload().target, &head, b"")
}

/// Whether a list in a header names all of `wanted`, whatever the case.
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

const SIGNED: &str =
    "content-type,if-none-match,x-amz-checksum-sha256,x-amz-meta-asset-id,x-amz-meta-tenant-id";

pub fn a_bucket_takes_a_cors_rule(bench: &Bench) -> String {
    let bucket = bench.new_bucket();
    said(&set_cors_rule(&bench.endpoint, &bucket[1..]))
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

pub fn a_page_of_another_origin_may_not(bench: &Bench) -> String {
    let answer = preflight(bench, "https://evil.example", "PUT", SIGNED);
    let origin = answer.header("access-control-allow-origin");
    said(&answer) + origin.map_or("", |_| ", allowed")
}

pub fn a_page_may_not_delete(bench: &Bench) -> String {
    let answer = preflight(bench, ORIGIN, "DELETE", "");
    // a browser goes by the list, whatever the status
    let listed = names(&answer, "access-control-allow-methods", &["delete"]);
    said(&answer) + if listed { ", allowed" } else { "" }
}

/// What a page sees of the answer to its PUT.
fn seen(bench: &Bench, origin: &str) -> (Answer, String) {
    let upload = bench.upload().with("origin", origin);
    let answer = bench.send("PUT", &upload.target, &upload.headers, CONTENT);
    let told = answer
        .header("access-control-allow-origin")
        .unwrap_or("nobody");
    let told = format!("{} for {told}", answer.status);
    (answer, told)
}

pub fn the_page_may_read_the_tag_of_what_it_uploaded(bench: &Bench) -> String {
    let (answer, told) = seen(bench, ORIGIN);
    let exposed = names(&answer, "access-control-expose-headers", &["etag"]);
    format!("{told}, {}", or(exposed, "ETag hidden"))
}

pub fn the_answer_differs_by_origin_and_says_so(bench: &Bench) -> String {
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

pub fn the_page_may_read_a_refusal(bench: &Bench) -> String {
    assert_eq!(seen(bench, ORIGIN).0.status, 200);
    seen(bench, ORIGIN).1
}

pub fn without_a_rule_no_page_reads_anything(bench: &Bench) -> String {
    let path = format!("{}/k", bench.new_bucket());
    let mut headers = bench.signer().sign_header("PUT", &path, &[], CONTENT);
    headers.push(("origin".to_owned(), "https://evil.example".to_owned()));
    let answer = bench.send("PUT", &path, &headers, CONTENT);
    let told = answer.header("access-control-allow-origin");
    format!("{} for {}", answer.status, told.unwrap_or("nobody"))
}
