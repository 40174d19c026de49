//! The one table of keys: what is known, defaults, secrets, documentation.

use std::fmt::Write;

use crate::key::{Key, Kind};
use crate::sections;

/// Every key, in the order in which it is printed and documented.
pub(crate) fn all() -> impl Iterator<Item = &'static Key> {
    sections::KEYS.iter().copied().flatten()
}

/// The keys whose values are secrets: never printed, and each may come from a file by `<name>_file`.
pub fn secret_keys() -> impl Iterator<Item = &'static str> {
    all().filter(|key| key.secret).map(|key| key.name)
}

/// Where a fault of this name stands among others: by its key, or by the secret that it gives by
/// file; first what is no key but an argument, last what is unknown.
pub(crate) fn place(name: &str) -> usize {
    let key = find_by_file_form(name).map_or(name, |secret| secret.name);
    match all().position(|known| known.name == key) {
        Some(at) => at,
        None if name.starts_with('-') => 0,
        None => usize::MAX,
    }
}

/// Why a name that is no key is refused; `spelt` writes a suggestion as the source would.
pub(crate) fn unknown(name: &str, spelt: impl Fn(&str) -> String) -> String {
    match nearest(name) {
        Some(known) => format!("is not a known key; did you mean {}?", spelt(&known)),
        None => "is not a known key".to_owned(),
    }
}

/// The key of exactly this name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name)
}

/// The secret that `name` gives by file: `identity.hs256_secret` of `identity.hs256_secret_file`.
pub(crate) fn find_by_file_form(name: &str) -> Option<&'static Key> {
    find(name.strip_suffix("_file")?).filter(|key| key.secret)
}

/// Whether some key stands in a table of this name, or in one of its tables.
pub(crate) fn is_section(name: &str) -> bool {
    let inside = |key: &Key| {
        let rest = key.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    all().any(inside)
}

/// The known name that a mistyped one was probably meant to be.
fn nearest(name: &str) -> Option<String> {
    // below this a suggestion misleads more than it helps
    const ALIKE: f64 = 0.7;
    let leaf = name.rsplit('.').next().unwrap_or(name);
    let files = secret_keys().map(|key| format!("{key}_file"));
    let known = all().map(|key| key.name.to_owned()).chain(files);
    known
        .map(|known| {
            let same_leaf = known
                .rsplit_once('.')
                .is_some_and(|(_, known_leaf)| known_leaf == leaf);
            let alike = strsim::normalized_damerau_levenshtein(&known, name);
            (if same_leaf { alike.max(ALIKE) } else { alike }, known)
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

/// The reference of all keys as a Markdown table: the one of `docs/CONFIGURATION.md`.
#[must_use]
pub fn markdown_table() -> String {
    let mut out =
        String::from("| key | default | example | meaning | must be |\n|---|---|---|---|---|\n");
    for key in all() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_stands_once_in_one_table() {
        for (at, key) in all().enumerate() {
            let name = key.name;
            assert!((2..=3).contains(&name.split('.').count()), "{name}");
            let mut earlier = all().take(at);
            assert!(earlier.all(|earlier| earlier.name != name), "{name}");
        }
    }

    #[test]
    fn the_keys_of_a_table_stand_together() {
        let mut sections: Vec<_> = all().map(|key| key.parts().0).collect();
        sections.dedup();
        let with_repeats = sections.len();
        sections.sort_unstable();
        sections.dedup();
        assert_eq!(sections.len(), with_repeats);
    }

    #[test]
    fn a_file_form_belongs_to_a_secret_and_is_no_key_itself() {
        assert_eq!(
            find_by_file_form("identity.hs256_secret_file").map(|key| key.name),
            Some("identity.hs256_secret")
        );
        assert!(find_by_file_form("identity.issuer_file").is_none());
        assert!(find_by_file_form("identity.jwks_file").is_none());
        for key in secret_keys() {
            assert!(find(&format!("{key}_file")).is_none());
        }
    }

    #[test]
    fn a_mistyped_key_finds_the_one_that_was_meant() {
        assert_eq!(nearest("storage.buket").as_deref(), Some("storage.bucket"));
        assert_eq!(nearest("http.port"), None);
        assert_eq!(nearest("s3.bucket").as_deref(), Some("storage.bucket"));
        assert_eq!(
            nearest("identity.hs256_secert_file").as_deref(),
            Some("identity.hs256_secret_file")
        );
        assert_eq!(nearest("zebra.stripes"), None);
    }
}
