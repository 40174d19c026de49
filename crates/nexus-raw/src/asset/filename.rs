use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::text::{has_invisible, validated_text};

/// The name of the file that an asset was, as the caller gave it: the last segment of its key.
///
/// Accepted or refused, never mended: a name that is silently changed is another name. The text
/// is NFC (Unicode Annex 15), 1 to 255 bytes of UTF-8, one path segment, and shows what it is: it
/// has no [invisible character](crate::text::is_invisible), which could hide or reorder what a
/// person reads, but for joiners (U+200C, U+200D) between two characters that are neither ASCII nor
/// joiners, and no space of any kind at its edges. What NFKC would turn into a forbidden name,
/// such as a full-width solidus, is refused too, since systems downstream fold names that way.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filename(Arc<str>);

/// Why a text is no [`Filename`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilenameError {
    /// Empty, or longer than 255 bytes of UTF-8.
    #[error("must have 1 to 255 bytes of UTF-8")]
    Length,
    /// Not in Unicode Normalization Form C.
    #[error("must be in Unicode Normalization Form C")]
    NotNfc,
    /// Contains `/` or `\`.
    #[error("must not contain `/` or `\\`")]
    Separator,
    /// Contains a control, line-separating, bidirectional-format or zero-width character, or a
    /// noncharacter.
    #[error(
        "must not contain control, bidirectional-format or zero-width characters, nor noncharacters"
    )]
    Invisible,
    /// Is `.` or `..`.
    #[error("must not be `.` or `..`")]
    Dots,
    /// Starts with a space, or ends with a space or a dot.
    #[error("must not start with a space, nor end with a space or a dot")]
    Edge,
    /// Compatibility normalisation would turn it into a forbidden name.
    #[error("must not turn into a forbidden name under Unicode Normalization Form KC")]
    Compatibility,
}

impl Filename {
    fn check(text: &str) -> Result<(), FilenameError> {
        if !(1..=255).contains(&text.len()) {
            return Err(FilenameError::Length);
        }
        Self::check_shape(text)?;
        if text.is_ascii() {
            return Ok(());
        }
        if !is_nfc(text) {
            return Err(FilenameError::NotNfc);
        }
        let folded: String = text.nfkc().collect();
        Self::check_shape(&folded).map_err(|_| FilenameError::Compatibility)
    }

    /// One segment of a key: what every version has required.
    fn check_stored(text: &str) -> Result<(), FilenameError> {
        if !(1..=255).contains(&text.len()) {
            Err(FilenameError::Length)
        } else if text.contains(['/', '\\']) {
            Err(FilenameError::Separator)
        } else if text.contains('\0') {
            Err(FilenameError::Invisible)
        } else if text == "." || text == ".." {
            Err(FilenameError::Dots)
        } else {
            Ok(())
        }
    }

    fn check_shape(text: &str) -> Result<(), FilenameError> {
        if text.contains(['/', '\\']) {
            return Err(FilenameError::Separator);
        }
        if has_invisible(text) {
            return Err(FilenameError::Invisible);
        }
        if text == "." || text == ".." {
            return Err(FilenameError::Dots);
        }
        if text.starts_with(char::is_whitespace)
            || text.ends_with(|end: char| end == '.' || end.is_whitespace())
        {
            return Err(FilenameError::Edge);
        }
        Ok(())
    }
}

validated_text!(Filename, FilenameError, stored: check_stored);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_of_many_scripts_are_kept_as_they_are() {
        for good in [
            "DSCN0010.jpg",
            ".bashrc",
            "a b.txt",
            "\u{e9}t\u{e9}.png",
            "\u{5199}\u{771f}.jpg",
            "...a",
            "~",
            "#?%20.txt",
            "%2e%2e%2f",
            "\u{1f600}.gif",
            "\u{2764}\u{fe0f}.gif",
            "a\u{1680}b",
            "'; DROP TABLE asset; --",
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}.pdf",
            "\u{dc1}\u{dca}\u{200d}\u{dbb}\u{dd3}.txt",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}.png",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}.gif",
        ] {
            assert_eq!(
                Filename::parse(good).map(|name| name.to_string()),
                Ok(good.to_owned())
            );
        }
    }

    #[test]
    fn each_forbidden_shape_is_refused_for_its_own_reason() {
        use FilenameError::{Compatibility, Dots, Edge, Invisible, Length, NotNfc, Separator};
        for (bad, reason) in [
            ("", Length),
            ("a/b", Separator),
            ("..\\b", Separator),
            ("/", Separator),
            (".", Dots),
            ("..", Dots),
            (" a", Edge),
            ("a ", Edge),
            ("a.", Edge),
            ("...", Edge),
            ("a\u{0}b", Invisible),
            ("a\nb", Invisible),
            ("a\u{7f}", Invisible),
            ("a\u{85}b", Invisible),
            ("a\u{202e}gpj.exe", Invisible),
            ("a\u{2066}b", Invisible),
            ("a\u{61c}b", Invisible),
            ("a\u{200b}b", Invisible),
            ("a\u{200d}b", Invisible),
            ("\u{feff}a", Invisible),
            ("a\u{2060}b", Invisible),
            ("a\u{ad}b", Invisible),
            ("a\u{2028}b", Invisible),
            ("a\u{34f}b", Invisible),
            ("\u{115f}a", Invisible),
            ("a\u{1160}", Invisible),
            ("a\u{17b4}b", Invisible),
            ("a\u{e0041}b", Invisible),
            ("\u{200d}\u{645}", Invisible),
            ("\u{645}\u{200c}", Invisible),
            ("\u{645}\u{200c}.pdf", Invisible),
            ("a\u{200c}\u{645}", Invisible),
            ("\u{645}\u{200c}\u{200d}\u{645}", Invisible),
            ("a\u{fdd0}b", Invisible),
            ("a\u{fffe}b", Invisible),
            ("a\u{10ffff}b", Invisible),
            ("\u{ff21}\u{200d}\u{ff22}", Compatibility),
            ("e\u{301}.txt", NotNfc),
            ("a\u{ff0f}b", Compatibility),
            ("a\u{ff3c}b", Compatibility),
            ("\u{2024}\u{2024}", Compatibility),
            ("\u{2025}", Compatibility),
            ("a\u{2026}", Compatibility),
            ("a\u{3164}b", Compatibility),
            ("a\u{ffa0}b", Compatibility),
            ("\u{1680}a", Edge),
            ("a\u{1680}", Edge),
            ("\u{a0}a", Edge),
            ("a\u{3000}", Edge),
            ("\u{a8}a", Compatibility),
            ("a\u{2100}b", Compatibility),
        ] {
            assert_eq!(Filename::parse(bad), Err(reason), "{bad:?}");
        }
    }

    #[test]
    fn the_length_is_counted_in_bytes() {
        assert!(Filename::parse(&"a".repeat(255)).is_ok());
        assert_eq!(
            Filename::parse(&"a".repeat(256)),
            Err(FilenameError::Length)
        );
        assert!(Filename::parse(&"\u{e9}".repeat(127)).is_ok());
        assert_eq!(
            Filename::parse(&"\u{e9}".repeat(128)),
            Err(FilenameError::Length)
        );
    }

    #[test]
    fn a_stored_name_is_one_segment_with_any_characters() {
        for stored in [
            "a\u{fdd0}b",
            "a\u{202e}gpj.exe",
            "a\u{200d}b",
            " a. ",
            "e\u{301}",
            "a\u{ff0f}b",
        ] {
            let name = Filename::from_stored(stored).unwrap();
            assert_eq!(name.as_str(), stored);
            assert!(Filename::parse(stored).is_err(), "{stored:?}");
            let json = serde_json::to_string(&name).unwrap();
            assert_eq!(serde_json::from_str::<Filename>(&json).unwrap(), name);
        }
        let long = "a".repeat(256);
        for bad in ["", ".", "..", "a/b", "..\\b", "a\0", &long] {
            assert!(Filename::from_stored(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_name_is_one_visible_segment_also_after_folding(text in "\\PC{0,40}|[./\\\\ \u{ff0e}\u{ff0f}\u{2024}a]{0,6}") {
            if let Ok(name) = Filename::parse(&text) {
                prop_assert_eq!(name.as_str(), text.as_str());
                prop_assert_eq!(Filename::from_stored(&text), Ok(name));
                let folded: String = text.nfkc().collect();
                for form in [text.as_str(), folded.as_str()] {
                    prop_assert!(!form.contains(['/', '\\']));
                    prop_assert!(form != "." && form != ".." && !form.ends_with('.'));
                    prop_assert_eq!(form.trim(), form);
                }
            }
        }
    }
}
