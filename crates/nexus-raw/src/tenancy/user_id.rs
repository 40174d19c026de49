use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use crate::text::{has_invisible, validated_text};

/// Who acts: the `sub` claim of a verified token, 1 to 255 characters.
///
/// It appears in records, events and logs, so it has no character that a file name may not have
/// ([`Filename`](crate::asset::Filename)), save `/`, `\` and spaces (Zs): none that hides, reorders or
/// breaks what is read, nor one that NFKC turns into such a one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Arc<str>);

/// Why a text is no [`UserId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must have 1 to 255 characters, none of them a control, bidirectional-format or zero-width character or a \
     noncharacter"
)]
#[non_exhaustive]
pub struct UserIdError;

impl UserId {
    fn check(text: &str) -> Result<(), UserIdError> {
        Self::check_stored(text)?;
        let hides = has_invisible(text)
            || (!text.is_ascii() && has_invisible(&text.nfkc().collect::<String>()));
        if hides { Err(UserIdError) } else { Ok(()) }
    }

    /// No control character, and the length: what every version has required.
    fn check_stored(text: &str) -> Result<(), UserIdError> {
        let length = text.chars().take(256).count();
        if (1..=255).contains(&length) && !text.chars().any(char::is_control) {
            Ok(())
        } else {
            Err(UserIdError)
        }
    }
}

validated_text!(UserId, UserIdError, stored: check_stored);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{asset::Filename, text::is_invisible};

    #[test]
    fn a_user_id_has_one_to_two_hundred_and_fifty_five_characters() {
        assert!(UserId::parse(&"\u{e9}".repeat(255)).is_ok());
        assert_eq!(UserId::parse(&"\u{e9}".repeat(256)), Err(UserIdError));
        assert_eq!(UserId::parse(""), Err(UserIdError));
    }

    #[test]
    fn names_of_many_scripts_paths_and_spaces_are_kept_as_they_are() {
        for good in [
            "u_demo",
            "user@example.test",
            "auth0|5f7c8ec7c33c6c004bbafe82",
            "realm/user",
            "DOMAIN\\user",
            " a b ",
            "a\u{a0}b\u{3000}",
            "Jos\u{e9}",
            "Jose\u{301}",
            "\u{645}\u{6cc}\u{200c}\u{62e}",
            "\u{1f468}\u{200d}\u{1f469}",
            "a\u{ff0f}b",
            ".",
        ] {
            assert_eq!(
                UserId::parse(good).map(|it| it.to_string()),
                Ok(good.to_owned())
            );
        }
    }

    #[test]
    fn what_hides_reorders_or_breaks_is_refused_and_was_once_stored() {
        for bad in ["a\u{0}", "a\nb", "\u{7f}", "\u{85}"] {
            assert_eq!(UserId::parse(bad), Err(UserIdError), "{bad:?}");
            assert_eq!(UserId::from_stored(bad), Err(UserIdError), "{bad:?}");
        }
        for bad in [
            "a\u{202e}b",
            "a\u{2028}b",
            "a\u{2029}b",
            "a\u{200b}b",
            "a\u{200d}b",
            "a\u{ad}b",
            "\u{feff}a",
            "a\u{2066}b",
            "a\u{1160}b",
            "a\u{3164}b",
            "a\u{ffa0}b",
            "a\u{fdd0}b",
            "a\u{ffff}b",
            "\u{ff21}\u{200d}\u{ff22}",
        ] {
            assert_eq!(UserId::parse(bad), Err(UserIdError), "{bad:?}");
            assert_eq!(
                UserId::from_stored(bad).map(|it| it.to_string()),
                Ok(bad.to_owned())
            );
        }
    }

    proptest! {
        #[test]
        fn a_user_id_has_what_a_file_name_may_have_and_slashes_and_spaces(text in "[\\PC\\pC]{1,6}|[a\u{645}\u{200c}\u{200d}]{1,6}") {
            let as_name = text.nfc().filter(|it| !matches!(it, '/' | '\\') && !it.is_whitespace()).collect::<String>();
            if let Ok(user) = UserId::parse(&text) {
                let is_plain = |it: char| !is_invisible(it) || matches!(it, '\u{200c}' | '\u{200d}');
                prop_assert!(user.as_str().chars().all(is_plain));
                prop_assert_eq!(UserId::from_stored(&text), Ok(user));
            } else if as_name == text {
                prop_assert!(Filename::parse(&text).is_err());
            }
        }
    }
}
