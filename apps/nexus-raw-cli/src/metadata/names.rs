//! Names of files as the service takes them.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// Returns a name in NFC, composed. File systems of Apple give names decomposed, and the service
/// refuses those.
pub(crate) fn composed(name: &str) -> Cow<'_, str> {
    if is_nfc_quick(name.chars()) == IsNormalized::Yes {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.nfc().collect())
    }
}

#[cfg(test)]
mod tests {
    use nexus_raw::asset::Filename;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_decomposed_name_is_composed_and_then_accepted() {
        for (name, expected) in [
            ("Mu\u{308}nchen.jpg", "M\u{fc}nchen.jpg"),
            ("cafe\u{301}.txt", "caf\u{e9}.txt"),
            ("\u{1112}\u{1161}\u{11ab}.png", "\u{d55c}.png"),
            // the order of two marks on one letter
            ("q\u{307}\u{323}.txt", "q\u{323}\u{307}.txt"),
            // one character that stands for another
            ("\u{212b}ngstrom.csv", "\u{c5}ngstrom.csv"),
        ] {
            assert!(Filename::parse(name).is_err(), "{name:?}");
            assert_eq!(composed(name), expected);
            assert!(Filename::parse(expected).is_ok(), "{expected:?}");
        }
    }

    #[test]
    fn a_composed_name_is_not_copied() {
        for name in ["DSCN0010.jpg", "M\u{fc}nchen.jpg", ""] {
            assert!(matches!(composed(name), Cow::Borrowed(it) if it == name));
        }
    }

    proptest! {
        #[test]
        fn a_name_is_composed_once(name in any::<String>()) {
            let once = composed(&name).into_owned();
            prop_assert!(unicode_normalization::is_nfc(&once));
            prop_assert_eq!(composed(&once), once.as_str());
        }
    }
}
