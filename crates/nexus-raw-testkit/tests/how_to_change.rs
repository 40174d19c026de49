//! Looks up every file that `docs/CHANGING.md` lists, so that its lists lead somewhere.

use std::path::Path;

/// The files of the tables' first columns, from the root. One with a `<name>` is the reader's own.
fn listed(page: &str) -> Vec<String> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let first = rows.filter_map(|row| row.split(" | ").next());
    let files = first.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let files = files.filter(|file| !file.contains('<'));
    files
        .map(|file| match file.split_once('/') {
            Some(("server", rest)) => format!("apps/nexus-raw-server/{rest}"),
            Some(("catalog", rest)) => format!("crates/nexus-raw-catalog-sql/{rest}"),
            _ => file.to_owned(),
        })
        .collect()
}

#[test]
fn every_file_that_a_change_touches_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/CHANGING.md")).unwrap();
    let listed = listed(&page);
    assert!(listed.len() > 40, "{listed:?}");
    let lost = listed.iter().filter(|file| !root.join(file).exists());
    assert_eq!(lost.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn a_file_is_listed_from_the_root_unless_it_is_the_readers_own() {
    let page =
        "| file | what |\n|---|---|\n| `server/a.rs`, `docs/<b>.md` | `c` |\n| `catalog/d` | |\n";
    let expected = [
        "apps/nexus-raw-server/a.rs",
        "crates/nexus-raw-catalog-sql/d",
    ];
    assert_eq!(listed(page), expected);
}
