//! Looks up every test that `docs/THREATS.md` names, so that the map leads somewhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A rule of the map and the tests that hold it.
#[derive(Debug, Default, PartialEq)]
struct Rule {
    text: String,
    tests: Vec<String>,
}

/// The rules above the section of what is not covered. A rule is a point, its tests are the
/// points below it.
fn rules(map: &str) -> Vec<Rule> {
    let covered = map.split("\n## Not yet").next().unwrap_or(map);
    let mut rules: Vec<Rule> = Vec::new();
    for line in covered.lines() {
        if let Some(text) = line.strip_prefix("- ") {
            rules.push(Rule {
                text: text.to_owned(),
                tests: Vec::new(),
            });
        } else if let (Some(test), Some(rule)) = (line.strip_prefix("  - "), rules.last_mut()) {
            rule.tests.push(test.trim_matches('`').to_owned());
        }
    }
    rules
}

/// What is wrong with the map, over the packages below `root`.
fn faults(map: &str, root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for rule in rules(map) {
        if rule.tests.is_empty() {
            faults.push(format!("no test holds: {}", rule.text));
        }
        let lost = rule.tests.iter().filter(|test| !exists(test, root));
        faults.extend(lost.map(|test| format!("there is no test `{test}`")));
    }
    faults
}

/// Whether `crate::path::test` is a test at that place.
fn exists(test: &str, root: &Path) -> bool {
    let parts: Vec<&str> = test.split("::").collect();
    let [package, path @ .., name] = &*parts else {
        return false;
    };
    let is_suite = path.first() == Some(&"contract") || path.contains(&"blackbox");
    let in_sources = Path::new(package).join("src").join(path.join("/"));
    let beside_them = Path::new(package).join(path.join("/"));
    let places = ["crates", "apps"]
        .iter()
        .flat_map(|home| [&in_sources, &beside_them].map(|path| root.join(home).join(path)));
    let mut sources = places.flat_map(|place| sources(&place));
    sources.any(|source| is_test(&source, name, is_suite))
}

/// The sources of a module: its file, and all below its directory.
fn sources(place: &Path) -> Vec<String> {
    let mut files = vec![place.with_extension("rs")];
    let mut directories: Vec<PathBuf> = vec![place.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                files.push(path);
            }
        }
    }
    let read = files.iter().map(fs::read_to_string);
    read.filter_map(Result::ok).collect()
}

/// Whether the source has a test of this name; for a rule of a suite, a public function, of which
/// the suite's macro makes the test.
fn is_test(source: &str, name: &str, is_suite: bool) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let Some((before, _)) = line.split_once(&format!("fn {name}(")) else {
            return false;
        };
        if is_suite {
            return ["pub async ", "pub ", "pub(crate) async "].contains(&before);
        }
        // attributes stand right above the function
        let above = lines[..at].iter().rev();
        let mut attributes = above.take_while(|line| line.ends_with(']') || line.starts_with("//"));
        attributes.any(|line| {
            let path = line.trim_start_matches("#[");
            let path = path.split(['(', ']']).next().unwrap_or(path);
            line.starts_with("#[") && path.rsplit("::").next() == Some("test")
        })
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_rule_of_the_map_is_held_by_tests_that_are_there() {
    let map = fs::read_to_string(root().join("docs/THREATS.md")).unwrap();
    assert!(!rules(&map).is_empty());
    let faults = faults(&map, &root());
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}

#[test]
fn a_rule_without_a_test_or_with_a_lost_one_is_a_fault() {
    let this = "nexus-raw-testkit::tests::threat_map";
    let map = format!(
        "# Map\n\n- Held\n  in two lines.\n  - `{this}::a_rule_without_a_test_or_with_a_lost_one_is_a_fault`\n\
         - Forgotten.\n- Lost.\n  - `{this}::nobody_wrote_this`\n- No test.\n  - `{this}::sources`\n\
         - Elsewhere.\n  - `nexus-raw::tests::threat_map::is_test`\n\
         - Of a contract.\n  - `nexus-raw-testkit::contract::catalog::another_scope_sees_nothing`\n\
         \n## Not yet\n\n- To come.\n"
    );
    assert_eq!(
        faults(&map, &root()),
        [
            "no test holds: Forgotten.".to_owned(),
            format!("there is no test `{this}::nobody_wrote_this`"),
            format!("there is no test `{this}::sources`"),
            "there is no test `nexus-raw::tests::threat_map::is_test`".to_owned(),
        ]
    );
}
