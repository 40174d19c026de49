//! The suite, its table and its document say the same.

#![expect(clippy::unwrap_used, reason = "a test ends where its support fails")]

use std::{collections::BTreeSet, fs, path::Path};

use nexus_raw_testkit::contract::s3::{TABLE, markdown};

const DOCUMENT: &str = include_str!("../../../docs/S3-SERVERS.md");

/// The functions that are rules, in the order of their files.
fn rules() -> BTreeSet<String> {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/contract/s3");
    let mut rules = BTreeSet::new();
    for file in fs::read_dir(suite).unwrap() {
        let source = fs::read_to_string(file.unwrap().path()).unwrap();
        for line in source.lines() {
            let rest = line.strip_prefix("pub fn ");
            let name = rest.and_then(|it| it.strip_suffix("(bench: &Bench) -> String {"));
            rules.extend(name.map(str::to_owned));
        }
    }
    rules
}

#[test]
fn every_rule_is_in_the_suite_and_in_the_table_once() {
    let table: Vec<_> = TABLE
        .iter()
        .flat_map(|(_, rows)| *rows)
        .map(|row| row.rule().to_owned())
        .collect();
    let distinct: BTreeSet<_> = table.iter().cloned().collect();
    assert_eq!(distinct.len(), table.len());
    assert_eq!(distinct, rules());

    let source = include_str!("../src/contract/s3/mod.rs");
    let (_, list) = source.split_once("$harness,\n").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let names = list.trim().trim_start_matches('[').split(',');
    let suite: Vec<_> = names.map(str::trim).filter(|it| !it.is_empty()).collect();
    assert_eq!(suite, table);
}

#[test]
fn the_documented_table_is_the_one_of_the_code() {
    let (_, table) = DOCUMENT.split_once("\n### ").unwrap();
    assert_eq!(
        format!("### {table}"),
        markdown(),
        "run `cargo run -p nexus-raw-testkit --example s3_table` and put its output in docs/S3-SERVERS.md"
    );
}
