//! The declaration of a key, and the spelling of its name.

/// The prefix of the server's environment variables.
const PREFIX: &str = "NEXUS_RAW_";

/// The type of a key's value, in the file and in a variable.
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

/// A documented key of the configuration, declared by [`section!`](crate::section).
#[derive(Debug)]
pub(crate) struct Key {
    /// The dotted name: the table, which may be nested, then the leaf.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The default as TOML, except text, which is not quoted.
    pub(crate) default: Option<&'static str>,
    /// Whether it is a secret: never printed, and may come from a file by `<name>_file`.
    pub(crate) secret: bool,
    /// The rule of the value; completes "must be".
    pub(crate) rule: &'static str,
    /// The meaning, for the documentation.
    pub(crate) about: &'static str,
    /// A valid value, spelt like `default`.
    pub(crate) example: &'static str,
}

impl Key {
    /// Returns the table and the leaf.
    pub(crate) fn parts(&self) -> (&'static str, &'static str) {
        self.name.rsplit_once('.').unwrap_or(("", self.name))
    }
}

/// Returns the variable that sets a dotted name: `NEXUS_RAW_STORAGE__BUCKET` for `storage.bucket`.
pub(crate) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "__").to_ascii_uppercase())
}

/// Returns the part after the prefix of a variable `NEXUS_RAW_<SECTION>__<KEY>`. Names without `__`
/// are no keys: those of the command line, and the service links of Kubernetes.
pub(crate) fn own_part(variable: &str) -> Option<&str> {
    variable
        .strip_prefix(PREFIX)
        .filter(|rest| rest.contains("__"))
}
