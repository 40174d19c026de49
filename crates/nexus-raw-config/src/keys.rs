//! The table of keys: known names, defaults, secrets, documentation.

use std::fmt::Write;

use crate::key::{Key, Kind};
use crate::sections;

/// Returns every key, in the order in which they are printed and documented.
pub(crate) fn all() -> impl Iterator<Item = &'static Key> {
    sections::KEYS.iter().copied().flatten()
}

/// Returns the keys of secrets: never printed, and each may come from a file by `<name>_file`.
pub fn secret_keys() -> impl Iterator<Item = &'static str> {
    all().filter(|key| key.secret).map(|key| key.name)
}

/// Returns the sort position of a fault: that of its key, or of the secret whose file it names.
/// Arguments come first, unknown names last.
pub(crate) fn place(name: &str) -> usize {
    let key = find_by_file_form(name).map_or(name, |secret| secret.name);
    match all().position(|known| known.name == key) {
        Some(at) => at,
        None if name.starts_with('-') => 0,
        None => usize::MAX,
    }
}

/// Returns the reason for an unknown name; `spelt` formats a suggestion for the source.
pub(crate) fn unknown(name: &str, spelt: impl Fn(&str) -> String) -> String {
    match nearest(name) {
        Some(known) => format!("is not a known key; did you mean {}?", spelt(&known)),
        None => "is not a known key".to_owned(),
    }
}

/// Returns the key of exactly this name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name)
}

/// Returns the secret of a file form: `identity.hs256_secret` of `identity.hs256_secret_file`.
pub(crate) fn find_by_file_form(name: &str) -> Option<&'static Key> {
    find(name.strip_suffix("_file")?).filter(|key| key.secret)
}

/// Returns whether a table of this name, or one nested in it, has a key.
pub(crate) fn is_section(name: &str) -> bool {
    let inside = |key: &Key| {
        let rest = key.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    all().any(inside)
}

/// Returns the known name that is most similar to a mistyped one.
fn nearest(name: &str) -> Option<String> {
    // below this similarity a suggestion misleads more than it helps
    const CUTOFF: f64 = 0.7;
    let leaf = name.rsplit('.').next().unwrap_or(name);
    let files = secret_keys().map(|key| format!("{key}_file"));
    let known = all().map(|key| key.name.to_owned()).chain(files);
    known
        .map(|known| {
            let same_leaf = known
                .rsplit_once('.')
                .is_some_and(|(_, known_leaf)| known_leaf == leaf);
            let alike = strsim::normalized_damerau_levenshtein(&known, name);
            (if same_leaf { alike.max(CUTOFF) } else { alike }, known)
        })
        .filter(|(alike, _)| *alike >= CUTOFF)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

/// Returns the Markdown table of all keys in `docs/CONFIGURATION.md`.
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
        // writing to a string cannot fail
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

/// Returns a value as spelt in TOML.
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
    fn each_key_is_once_in_one_table() {
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
