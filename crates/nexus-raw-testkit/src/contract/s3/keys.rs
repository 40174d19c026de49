//! Odd keys: distinct, byte for byte, and inside their bucket.

use super::bench::{Bench, CONTENT, status_and_code};
use crate::s3::encode_path;

/// Writes `key`, reads it, and checks whether `neighbour` exists now too.
fn kept(bench: &Bench, key: &str, neighbour: Option<&str>) -> String {
    let path = bench.path(&encode_path(key));
    let put = bench.signed("PUT", &path, &[], CONTENT);
    let outcome = bench.outcome(&path, &put);
    if outcome != "200" {
        return outcome;
    }
    let got = bench.signed("GET", &path, &[], b"");
    if got.body != CONTENT {
        return format!("200, then {}", status_and_code(&got));
    }
    let beside =
        neighbour.map(|key| bench.signed("HEAD", &bench.path(&encode_path(key)), &[], b""));
    match beside {
        Some(found) if found.status == 200 => "the same as its neighbour".to_owned(),
        _ => "kept".to_owned(),
    }
}

pub fn a_key_with_a_percent_sign(bench: &Bench) -> String {
    kept(bench, "100%41%2F", Some("100A/"))
}

pub fn a_key_with_a_plus_sign(bench: &Bench) -> String {
    kept(bench, "a+b", Some("a b"))
}

pub fn a_key_with_spaces(bench: &Bench) -> String {
    kept(bench, "a  b ", Some("a b"))
}

pub fn a_key_with_reserved_characters(bench: &Bench) -> String {
    kept(bench, "?a=b&c#d;e:f@g$h,i!j'k(l)m*n[o]", Some(""))
}

pub fn a_key_with_a_backslash(bench: &Bench) -> String {
    kept(bench, "a\\b", Some("a/b"))
}

pub fn a_key_in_composed_letters(bench: &Bench) -> String {
    kept(
        bench,
        "Gr\u{fc}\u{df}e \u{1f980}",
        Some("Gru\u{308}\u{df}e \u{1f980}"),
    )
}

pub fn a_key_with_a_segment_of_two_dots(bench: &Bench) -> String {
    kept(bench, "a/../b", Some("b"))
}

pub fn a_key_that_would_leave_its_bucket(bench: &Bench) -> String {
    kept(bench, "../../../b", None)
}

pub fn a_key_with_a_segment_of_one_dot(bench: &Bench) -> String {
    kept(bench, "a/./b", Some("a/b"))
}

pub fn a_key_with_an_empty_segment(bench: &Bench) -> String {
    kept(bench, "a//b", Some("a/b"))
}

pub fn a_key_with_a_slash_at_its_end(bench: &Bench) -> String {
    kept(bench, "a/", Some("a"))
}

pub fn a_key_with_a_slash_at_its_start(bench: &Bench) -> String {
    let path = bench.path("k");
    let (bucket, key) = path[1..].split_once('/').unwrap();
    let leading = format!("/{bucket}//{key}");
    let put = bench.signed("PUT", &leading, &[], CONTENT);
    let outcome = bench.outcome(&leading, &put);
    let without = bench.signed("HEAD", &path, &[], b"").status == 200;
    match (&*outcome, without) {
        ("200", false) => "kept".to_owned(),
        ("200", true) => "the same as its neighbour".to_owned(),
        _ => outcome,
    }
}

pub fn a_key_below_another_key(bench: &Bench) -> String {
    bench.place(&bench.path("a"), &[], b"above");
    let below = kept(bench, "a/b", None);
    let above = bench.signed("GET", &bench.path("a"), &[], b"");
    below
        + if above.body == b"above" {
            ""
        } else {
            ", above it lost"
        }
}

/// Writes a key of this length; S3 accepts up to 1024 bytes.
fn long(bench: &Bench, bytes: usize, segment: usize) -> String {
    let prefix = bench.path("");
    let (_, prefix) = prefix[1..].split_once('/').unwrap();
    let long: String = (0..bytes - prefix.len())
        .map(|at| {
            if at % (segment + 1) == segment {
                '/'
            } else {
                'x'
            }
        })
        .collect();
    kept(bench, &long, None)
}

pub fn a_key_of_1024_bytes(bench: &Bench) -> String {
    long(bench, 1024, 200)
}

pub fn a_key_of_1024_bytes_in_one_segment(bench: &Bench) -> String {
    long(bench, 1024, 2000)
}

pub fn a_key_of_1025_bytes(bench: &Bench) -> String {
    long(bench, 1025, 200)
}
