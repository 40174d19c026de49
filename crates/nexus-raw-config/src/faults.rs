use std::fmt;

use crate::key::variable;

/// An error in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    key: String,
    reason: String,
    origin: Option<String>,
}

impl Fault {
    /// Returns the dotted key, such as `storage.bucket`, or `--config` for the whole file. Control
    /// characters of an unknown key are escaped.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns what is wrong and what is expected. Never contains a configured value.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns where the value came from: the name of a variable or file, or `default`. `None` for
    /// a missing key.
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

/// All faults of a configuration, in the order of the documented keys; unknown keys come last.
///
/// Displays as one line per fault. A server exits on it with code 78 (`EX_CONFIG` of
/// sysexits.h).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Fault>);

impl ConfigErrors {
    /// Returns all faults.
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

/// A collector of faults: the first of each key and origin, since later ones mostly follow from it.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Adds a fault; `key` may be arbitrary input.
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

    /// Returns whether this key, or its `_file` form, has a fault.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|fault| {
            fault
                .key
                .strip_prefix(key)
                .is_some_and(|rest| matches!(rest, "" | "_file"))
        })
    }

    /// Returns the value of a required key, or adds a fault.
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

    /// Returns all faults, sorted by the `place` of their key.
    pub(crate) fn into_errors(mut self, place: impl Fn(&str) -> usize) -> ConfigErrors {
        self.0.sort_by_key(|fault| place(&fault.key));
        ConfigErrors(self.0)
    }
}

/// Escapes and shortens arbitrary text for a terminal and a log.
pub(crate) fn printable(text: &str) -> String {
    const MAX_LEN: usize = 120;
    let mut escaped = String::new();
    for character in text.chars() {
        if escaped.len() >= MAX_LEN {
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
