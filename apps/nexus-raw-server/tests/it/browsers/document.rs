//! The files that stand in `docs/BROWSERS.md`.

use std::{fs, path::Path};

/// The text of a file of the document: the block of code below the line that begins with its name.
pub(super) fn file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/BROWSERS.md")).unwrap();
    let title = format!("\n`{name}`");
    let mut after = document.split(&title).skip(1);
    let block = after.next().and_then(|rest| rest.split("\n```").nth(1));
    assert!(after.next().is_none(), "{name} is there twice");
    let (_language, text) = block
        .and_then(|block| block.split_once('\n'))
        .unwrap_or_else(|| panic!("{name} is not in the document"));
    format!("{text}\n")
}
