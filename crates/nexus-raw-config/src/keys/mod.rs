//! The one table of keys: what is known, defaults, secrets, documentation.

mod markdown;
mod table;

pub use markdown::markdown_table;
pub(crate) use table::KEYS;

/// How a value of a key is spelt, in the file and in a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text. In a variable every byte counts: nothing is trimmed or unquoted.
    Text,
    /// A TOML integer.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A TOML array of strings.
    List,
}

/// One leaf of the configuration.
#[derive(Debug)]
pub(crate) struct Key {
    /// Dotted: the table, which may stand in another one, then the leaf.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// As TOML for all kinds but text, which stands as it is.
    pub(crate) default: Option<&'static str>,
    /// Never printed, and may come from a file by `<name>_file`.
    pub(crate) secret: bool,
    /// What the value must be: completes "must be".
    pub(crate) rule: &'static str,
    /// What it is for: a sentence of the documentation.
    pub(crate) about: &'static str,
    /// A value that passes, spelt like `default`.
    pub(crate) example: &'static str,
}

impl Key {
    /// The table and the leaf.
    pub(crate) fn parts(&self) -> (&'static str, &'static str) {
        self.name.rsplit_once('.').unwrap_or(("", self.name))
    }
}

/// The keys whose values are secrets: never printed, and each may come from a file by `<name>_file`.
pub fn secret_keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(|key| key.secret).map(|key| key.name)
}

/// The key of exactly this name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
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
    KEYS.iter().any(inside)
}

/// The variable that sets a dotted name: `NEXUS_RAW_STORAGE__BUCKET` for `storage.bucket`.
pub(crate) fn variable(name: &str) -> String {
    format!("NEXUS_RAW_{}", name.replace('.', "__").to_ascii_uppercase())
}

/// The known name that a mistyped one was probably meant to be.
pub(crate) fn nearest(name: &str) -> Option<String> {
    // below this a suggestion misleads more than it helps
    const ALIKE: f64 = 0.7;
    let leaf = name.rsplit('.').next().unwrap_or(name);
    let files = secret_keys().map(|key| format!("{key}_file"));
    let all = KEYS.iter().map(|key| key.name.to_owned()).chain(files);
    all.map(|known| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_stands_once_in_one_table() {
        for (at, key) in KEYS.iter().enumerate() {
            assert!(
                (2..=3).contains(&key.name.split('.').count()),
                "{}",
                key.name
            );
            assert!(
                KEYS[..at].iter().all(|earlier| earlier.name != key.name),
                "{}",
                key.name
            );
        }
    }

    #[test]
    fn the_keys_of_a_table_stand_together() {
        let mut sections: Vec<_> = KEYS.iter().map(|key| key.parts().0).collect();
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
