use std::{
    fmt::{self, Display, Write as _},
    io,
};

use nexus_raw::text::is_invisible;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

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

/// Escapes text, and if it is wider than so many columns of a terminal, leaves out its middle: the
/// ending of a file name says much.
pub(super) fn shortened(text: &str, columns: usize) -> String {
    let text = Escaped(text).to_string();
    if text.width() <= columns {
        return text;
    }
    let kept = columns.saturating_sub(1);
    let (start, end) = (kept - kept / 2, kept / 2);
    let within = |columns: usize| {
        let mut width = 0;
        move |it: &char| {
            width += it.width().unwrap_or(0);
            width <= columns
        }
    };
    let mut shown: String = text.chars().take_while(within(start)).collect();
    shown.push('\u{2026}');
    let end: Vec<_> = text.chars().rev().take_while(within(end)).collect();
    // a mark belongs to a letter that is left out
    let is_mark = |it: &&char| it.width() == Some(0);
    shown.extend(end.iter().rev().skip_while(is_mark));
    shown
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
    fn a_long_text_loses_its_middle() {
        for (text, columns, shown) in [
            ("DSCN0010.jpg", 12, "DSCN0010.jpg"),
            ("DSCN0010.jpg", 11, "DSCN0\u{2026}0.jpg"),
            ("DSCN0010.jpg", 10, "DSCN0\u{2026}.jpg"),
            ("\u{1b}0123456789", 8, "\\u{1\u{2026}789"),
            // two columns each
            (
                "\u{65e5}\u{672c}\u{8a9e}.png",
                10,
                "\u{65e5}\u{672c}\u{8a9e}.png",
            ),
            (
                "\u{65e5}\u{672c}\u{8a9e}.png",
                9,
                "\u{65e5}\u{672c}\u{2026}.png",
            ),
            (
                "\u{65e5}\u{672c}\u{8a9e}.png",
                8,
                "\u{65e5}\u{672c}\u{2026}png",
            ),
            ("\u{65e5}\u{672c}\u{8a9e}.png", 7, "\u{65e5}\u{2026}png"),
            ("0123456789e\u{301}a", 4, "01\u{2026}a"),
            ("abc", 1, "\u{2026}"),
            ("", 0, ""),
        ] {
            assert_eq!(shortened(text, columns), shown, "{text} {columns}");
            assert!(shown.width() <= columns);
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
