use std::fmt::Write;

use super::table;
use crate::key::{Key, Kind};

/// The reference of all keys as a Markdown table: the one of `docs/CONFIGURATION.md`.
#[must_use]
pub fn markdown_table() -> String {
    let mut out =
        String::from("| key | default | example | meaning | must be |\n|---|---|---|---|---|\n");
    for key in table::all() {
        let mark = if key.secret { " (secret)" } else { "" };
        let default = key
            .default
            .map_or(String::new(), |text| code(&spelt(key, text)));
        let example = code(&spelt(key, key.example));
        // writing to a String cannot fail
        let _ = writeln!(
            out,
            "| {}{mark} | {default} | {example} | {} | {} |",
            code(key.name),
            key.about,
            cell(key.rule)
        );
    }
    out
}

/// A value as the TOML file has it.
fn spelt(key: &Key, text: &str) -> String {
    match key.kind {
        Kind::Text => toml::Value::from(text).to_string(),
        Kind::Integer | Kind::Boolean | Kind::List => text.to_owned(),
    }
}

fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
