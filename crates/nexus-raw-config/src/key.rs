//! What is known of a key, and how its name is spelt.

/// What the names of the server's variables begin with.
const PREFIX: &str = "NEXUS_RAW_";

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

/// One leaf of the configuration, as it is documented. A [`section!`](crate::section) makes it.
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

/// The variable that sets a dotted name: `NEXUS_RAW_STORAGE__BUCKET` for `storage.bucket`.
pub(crate) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "__").to_ascii_uppercase())
}

/// What follows the prefix in a variable of the form `NEXUS_RAW_<SECTION>__<KEY>`. Names without
/// `__` belong to others: the command line's own, the service links of Kubernetes.
pub(crate) fn own_part(variable: &str) -> Option<&str> {
    variable
        .strip_prefix(PREFIX)
        .filter(|rest| rest.contains("__"))
}
