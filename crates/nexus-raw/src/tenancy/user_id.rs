use std::sync::Arc;

use crate::text::validated_text;

/// Who acts: the `sub` claim of a verified token, 1 to 255 characters, no control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Arc<str>);

/// Why a text is no [`UserId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 255 characters, none of them a control character")]
pub struct UserIdError;

impl UserId {
    fn check(text: &str) -> Result<(), UserIdError> {
        let length = text.chars().take(256).count();
        if (1..=255).contains(&length) && !text.chars().any(char::is_control) {
            Ok(())
        } else {
            Err(UserIdError)
        }
    }
}

validated_text!(UserId, UserIdError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_has_one_to_two_hundred_and_fifty_five_characters() {
        assert!(UserId::parse(&"\u{e9}".repeat(255)).is_ok());
        assert_eq!(UserId::parse(&"\u{e9}".repeat(256)), Err(UserIdError));
        assert_eq!(UserId::parse(""), Err(UserIdError));
    }

    #[test]
    fn control_characters_are_refused() {
        for bad in ["a\u{0}", "a\nb", "\u{7f}", "\u{85}"] {
            assert_eq!(UserId::parse(bad), Err(UserIdError), "{bad:?}");
        }
    }
}
