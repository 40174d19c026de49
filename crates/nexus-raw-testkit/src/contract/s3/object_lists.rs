//! Lists of the versions of objects, in a bucket without versions.

use super::{
    bench::{Bench, or},
    row::{Row, row},
};
use crate::s3::Answer;

pub(super) const ROWS: &[Row] = &[
    row("objects_are_listed_by_prefix", "a1 a2, yes"),
    row("objects_are_listed_in_pages", "a b and more after b; c"),
    row(
        "keys_in_lists_are_encoded_on_request",
        "a b+\u{fc}/c; a+b%2B%C3%BC/c",
    )
    .seaweedfs("a b+\u{fc}/c; a b+\u{fc}/c"),
    row("a_deleted_object_is_not_listed", "b"),
];

/// Writes an object at each key.
fn put_all(bench: &Bench, keys: &[&str]) {
    for key in keys {
        let stored = bench.signed("PUT", &bench.path(key), &[], b"a photograph");
        assert_eq!(stored.error(), (200, String::new()), "{key}");
    }
}

/// Lists the objects whose keys start with a prefix within those of the rule.
fn list(bench: &Bench, prefix: &str, query: &str) -> Answer {
    let path = bench.path("");
    let (bucket, rule) = path[1..].split_once('/').unwrap();
    let target = format!("/{bucket}?versions&prefix={rule}{prefix}{query}");
    bench.signed("GET", &target, &[], b"")
}

/// Returns the keys of a page without the prefix of the rule, and where the list goes on.
fn keys(bench: &Bench, list: &Answer) -> String {
    let path = bench.path("");
    let (_, rule) = path[1..].split_once('/').unwrap();
    let keys = list.texts("Key").join(" ");
    let page = match &*list.texts("IsTruncated").concat() {
        "true" => format!(
            "{keys} and more after {}",
            list.texts("NextKeyMarker").concat()
        ),
        "false" => keys,
        other => format!("{} {keys} {other}", list.status),
    };
    page.replace(rule, "")
}

pub fn objects_are_listed_by_prefix(bench: &Bench) -> String {
    put_all(bench, &["b", "a2", "a1"]);
    let listed = list(bench, "a", "");
    let is_so = listed.texts("VersionId") == ["null"; 2]
        && listed.texts("IsLatest") == ["true"; 2]
        && listed.texts("Size") == ["12"; 2];
    format!("{}, {}", keys(bench, &listed), or(is_so, "other facts"))
}

pub fn objects_are_listed_in_pages(bench: &Bench) -> String {
    put_all(bench, &["a", "b", "c"]);
    let first = list(bench, "", "&max-keys=2");
    let key = first.texts("NextKeyMarker").concat();
    let id = first.texts("NextVersionIdMarker").concat();
    let rest = format!("&max-keys=2&key-marker={key}&version-id-marker={id}");
    let rest = list(bench, "", &rest);
    format!("{}; {}", keys(bench, &first), keys(bench, &rest))
}

pub fn keys_in_lists_are_encoded_on_request(bench: &Bench) -> String {
    put_all(bench, &["a%20b%2B%C3%BC/c"]);
    let plain = list(bench, "", "");
    let encoded = list(bench, "", "&encoding-type=url");
    format!("{}; {}", keys(bench, &plain), keys(bench, &encoded))
}

pub fn a_deleted_object_is_not_listed(bench: &Bench) -> String {
    put_all(bench, &["a", "b"]);
    assert_eq!(
        bench.signed("DELETE", &bench.path("a"), &[], b"").status,
        204
    );
    keys(bench, &list(bench, "", ""))
}
