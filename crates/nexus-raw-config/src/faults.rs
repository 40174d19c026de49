use std::fmt;

use crate::key::variable;

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    key: String,
    reason: String,
    origin: Option<String>,
}

impl Fault {
    /// The dotted key, such as `storage.bucket`; for the file as a whole `--config`. Control
    /// characters of an unknown key are escaped.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong, and what would be right. Never holds a configured value.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Where the value came from: a variable's name, a file's, or `default`. None for a key that
    /// is missing.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.key, self.reason)?;
        match &self.origin {
            Some(origin) => write!(out, " ({origin})"),
            None => Ok(()),
        }
    }
}

/// Every fault of a configuration, in the order of the documented keys; unknown keys come last.
///
/// Displays as one line a fault. A server that meets it ends with exit code 78 (`EX_CONFIG` of
/// sysexits.h).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Fault>);

impl ConfigErrors {
    /// All of them.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(out, "{end}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Collects faults: the first of each key and place, since later ones mostly follow from it.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Notes a fault; `key` may be anything that someone wrote.
    pub(crate) fn add(&mut self, key: &str, reason: impl Into<String>, origin: Option<String>) {
        let key = printable(key);
        if self
            .0
            .iter()
            .all(|known| known.key != key || known.origin != origin)
        {
            self.0.push(Fault {
                key,
                reason: reason.into(),
                origin,
            });
        }
    }

    /// Whether this key, or its form by file, is known to be faulty.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|fault| {
            fault
                .key
                .strip_prefix(key)
                .is_some_and(|rest| matches!(rest, "" | "_file"))
        })
    }

    /// The value of a key that must have one, or a fault.
    pub(crate) fn need<T>(&mut self, key: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.has(key) {
            let variable = variable(key);
            let reason = format!("is required: set it in the file or as {variable}");
            self.add(key, reason, None);
        }
        value
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, each where `place` puts its key.
    pub(crate) fn into_errors(mut self, place: impl Fn(&str) -> usize) -> ConfigErrors {
        self.0.sort_by_key(|fault| place(&fault.key));
        ConfigErrors(self.0)
    }
}

/// Text of unknown content, safe and short enough for a terminal and a log.
pub(crate) fn printable(text: &str) -> String {
    const LONGEST: usize = 120;
    let mut escaped = String::new();
    for character in text.chars() {
        if escaped.len() >= LONGEST {
            escaped.push('…');
            break;
        }
        match character {
            '"' | '\'' | '\\' => escaped.push(character),
            other => escaped.extend(other.escape_debug()),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_file_form_is_one_of_the_secret() {
        let mut faults = Faults::default();
        faults.add("identity.hs256_secret_file", "is empty", None);
        assert!(faults.has("identity.hs256_secret"));
        assert!(!faults.has("identity.hs256"));
    }

    #[test]
    fn what_someone_wrote_cannot_write_to_the_terminal() {
        assert_eq!(
            printable("a\u{1b}[31m\n\u{202e}b"),
            "a\\u{1b}[31m\\n\\u{202e}b"
        );
        assert!(printable(&"x".repeat(5000)).chars().count() <= 121);
    }
}
