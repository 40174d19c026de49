//! Checks that the macro of each suite has all of its rules.

use std::{collections::BTreeSet, fs, io, path::Path};

/// The sources of one suite: `<name>.rs`, or every file of `<name>/`.
fn sources(suite: &str) -> io::Result<Vec<String>> {
    let suites = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/contract");
    let file = suites.join(format!("{suite}.rs"));
    if file.exists() {
        return Ok(vec![fs::read_to_string(file)?]);
    }
    let files = fs::read_dir(suites.join(suite))?;
    files.map(|file| fs::read_to_string(file?.path())).collect()
}

/// The functions `pub async fn rule(harness…)`.
fn rules(sources: &[String]) -> BTreeSet<&str> {
    let mut rules = BTreeSet::new();
    for source in sources {
        for line in source.lines() {
            let signature = line.strip_prefix("pub async fn ");
            rules.extend(signature.and_then(|it| it.split('(').next()));
        }
    }
    rules
}

/// The names between the brackets that the suite's macros pass on.
fn listed(sources: &[String]) -> BTreeSet<&str> {
    let macros = sources
        .iter()
        .flat_map(|source| source.split("$harness,\n").skip(1));
    let lists = macros.filter_map(|it| it.split_once('[')?.1.split(']').next());
    let names = lists.flat_map(|list| list.split(',')).map(str::trim);
    names.filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_rule_of_a_suite_is_in_its_macro() {
    for suite in [
        "catalog", "digests", "identity", "outbox", "sink", "storage",
    ] {
        let sources = sources(suite).unwrap();
        let rules = rules(&sources);
        assert!(rules.len() > 5, "{suite} has {} rules", rules.len());
        assert_eq!(listed(&sources), rules, "{suite}");
    }
}
