//! Conditions of writes and reads.

use std::{collections::BTreeMap, thread};

use super::bench::{Bench, CONTENT, status_and_code};

const WRITERS: usize = 50;

pub fn create_once_stores_at_a_new_key(bench: &Bench) -> String {
    let path = bench.path("k");
    let put = bench.signed("PUT", &path, &[("if-none-match", "*")], CONTENT);
    bench.outcome(&path, &put)
}

pub fn create_once_refuses_an_existing_key(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.place(&path, &[], CONTENT);
    let put = bench.signed("PUT", &path, &[("if-none-match", "*")], b"other");
    let there = bench.signed("GET", &path, &[], b"").body;
    status_and_code(&put)
        + if there == CONTENT {
            ""
        } else {
            ", overwritten"
        }
}

/// AWS may also return 409 to a racing writer.
pub fn one_of_fifty_racing_writers_wins(bench: &Bench) -> String {
    let path = &bench.path("k");
    let contents: Vec<_> = (0..WRITERS).map(|it| format!("writer {it}")).collect();
    let (mut counts, mut winner) = (BTreeMap::new(), None);
    thread::scope(|scope| {
        let write = |content: &String| {
            let body = content.clone();
            scope.spawn(move || {
                bench.signed("PUT", path, &[("if-none-match", "*")], body.as_bytes())
            })
        };
        let writers: Vec<_> = contents.iter().map(write).collect();
        for (writer, content) in writers.into_iter().zip(&contents) {
            let answer = writer.join().unwrap();
            let refused = [409, 412].contains(&answer.status);
            let kind = if refused {
                "refused".to_owned()
            } else {
                status_and_code(&answer)
            };
            *counts.entry(kind).or_insert(0) += 1;
            if answer.status == 200 {
                winner = Some(content);
            }
        }
    });
    let there = bench.signed("GET", path, &[], b"").body;
    let is_winners = winner.is_some_and(|it| there == it.as_bytes());
    let counts: Vec<_> = counts
        .iter()
        .map(|(kind, n)| format!("{n} {kind}"))
        .collect();
    counts.join(", ") + if is_winners { "" } else { ", another's bytes" }
}

pub fn create_once_after_a_delete_stores(bench: &Bench) -> String {
    let path = bench.path("k");
    bench.place(&path, &[("if-none-match", "*")], CONTENT);
    let deleted = bench.signed("DELETE", &path, &[], b"");
    let again = bench.signed("PUT", &path, &[("if-none-match", "*")], CONTENT);
    format!(
        "{}, then {}",
        status_and_code(&deleted),
        bench.outcome(&path, &again)
    )
}

pub fn a_write_supports_if_none_match_only_with_a_star(bench: &Bench) -> String {
    let path = bench.path("k");
    let put = bench.signed("PUT", &path, &[("if-none-match", "\"0\"")], CONTENT);
    bench.outcome(&path, &put)
}

/// Returns the outcome of a read with the object's own tag and with another one.
fn read(bench: &Bench, method: &str, header: &str) -> String {
    let path = bench.path("k");
    bench.place(&path, &[], CONTENT);
    let head = bench.signed("HEAD", &path, &[], b"");
    let own = head.header("etag").unwrap_or_default();
    let other = "\"00000000000000000000000000000000\"";
    let status = |tag: &str| bench.signed(method, &path, &[(header, tag)], b"").status;
    format!("{} for its own, {} for another", status(own), status(other))
}

pub fn get_by_if_match(bench: &Bench) -> String {
    read(bench, "GET", "if-match")
}

pub fn get_by_if_none_match(bench: &Bench) -> String {
    read(bench, "GET", "if-none-match")
}

pub fn head_by_if_match(bench: &Bench) -> String {
    read(bench, "HEAD", "if-match")
}

pub fn head_by_if_none_match(bench: &Bench) -> String {
    read(bench, "HEAD", "if-none-match")
}
