use std::{
    fmt::{self, Display, Write as _},
    io,
};

use nexus_raw::text::is_invisible;

/// Untrusted text, safe for a terminal: characters that move the cursor, change the direction or are
/// invisible are escaped.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if is_invisible(character) {
                write!(out, "{}", character.escape_unicode())?;
            } else {
                out.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Writes a property with its name.
pub(super) fn line(
    out: &mut impl io::Write,
    name: &str,
    value: &(impl Display + ?Sized),
) -> io::Result<()> {
    writeln!(out, "  {name:<13} {}", Escaped(&value.to_string()))
}

/// Returns whether models may be trained on an asset, by its own word and those of its ancestors.
pub(super) fn training(train_ok: bool, train_ok_effective: bool) -> &'static str {
    match (train_ok, train_ok_effective) {
        (_, true) => "allowed",
        (false, false) => "withheld",
        (true, false) => "withheld by ancestor",
    }
}

/// Joins names, or returns `none` if there are none.
pub(super) fn list_or(names: &[impl AsRef<str>], none: &str) -> String {
    if names.is_empty() {
        return none.to_owned();
    }
    let names: Vec<_> = names.iter().map(AsRef::as_ref).collect();
    names.join(", ")
}

/// Formats a size in bytes.
pub(super) fn bytes(size: u64) -> String {
    let unit = if size == 1 { "byte" } else { "bytes" };
    format!("{} {unit}", with_thousands(size))
}

/// Formats an integer with a comma every three digits.
fn with_thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_as_an_escape() {
        for (text, shown) in [
            ("DSCN 0010.jpg", "DSCN 0010.jpg"),
            (
                "b\u{fc}cher \u{65e5}\u{672c}",
                "b\u{fc}cher \u{65e5}\u{672c}",
            ),
            ("\u{1b}[2Jx", "\\u{1b}[2Jx"),
            ("a\nb\r\tc", "a\\u{a}b\\u{d}\\u{9}c"),
            ("gpj\u{202e}exe", "gpj\\u{202e}exe"),
            ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
            ("\u{9b}31m", "\\u{9b}31m"),
        ] {
            assert_eq!(Escaped(text).to_string(), shown);
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (161_713, "161,713"),
            (5_368_709_120, "5,368,709,120"),
        ] {
            assert_eq!(with_thousands(number), text);
        }
    }
}
