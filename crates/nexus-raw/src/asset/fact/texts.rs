use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use crate::text::{has_invisible, validated_text};

/// A text of a fact is empty, too long, or has a character that it may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must have 1 to {max_bytes} bytes of UTF-8, and no control, bidirectional-format or zero-width character and no \
     noncharacter"
)]
#[non_exhaustive]
pub struct FactTextError {
    /// The maximum length, in bytes.
    pub max_bytes: usize,
}

/// The characters are those of a [`UserId`](crate::tenancy::UserId).
fn check(text: &str, max_bytes: usize) -> Result<(), FactTextError> {
    let hides = || {
        has_invisible(text) || (!text.is_ascii() && has_invisible(&text.nfkc().collect::<String>()))
    };
    if text.is_empty() || text.len() > max_bytes || hides() {
        Err(FactTextError { max_bytes })
    } else {
        Ok(())
    }
}

macro_rules! fact_text {
    ($(#[$doc:meta])* $text:ident, $max_bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $text(Arc<str>);

        impl $text {
            /// The maximum length, in bytes.
            pub const MAX_BYTES: usize = $max_bytes;

            fn check(text: &str) -> Result<(), FactTextError> {
                check(text, Self::MAX_BYTES)
            }
        }

        validated_text!($text, FactTextError);
    };
}

fact_text! {
    /// Why a fact is stated: 1 to 512 bytes, without invisible characters.
    Reason, 512
}
fact_text! {
    /// Who holds the rights in an asset: 1 to 256 bytes, without invisible characters.
    RightsHolder, 256
}
fact_text! {
    /// The name of a malware scanner: 1 to 128 bytes, without invisible characters.
    Scanner, 128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_a_length_and_no_invisible_character() {
        let error = Err(FactTextError { max_bytes: 128 });
        assert!(Scanner::parse(&"x".repeat(128)).is_ok());
        assert!(Scanner::parse("a/b \\ c\u{a0}d").is_ok());
        assert!(Scanner::parse("\u{645}\u{6cc}\u{200c}\u{62e}").is_ok());
        assert_eq!(Scanner::parse(&"x".repeat(129)), error);
        // 43 characters of three bytes
        assert_eq!(Scanner::parse(&"\u{20ac}".repeat(43)), error);
        for bad in [
            "",
            "a\nb",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\u{ffa0}b",
            "\u{ff21}\u{200d}\u{ff22}",
        ] {
            assert_eq!(Scanner::parse(bad), error, "{bad:?}");
        }
        assert!(RightsHolder::parse(&"x".repeat(256)).is_ok());
        assert!(RightsHolder::parse(&"x".repeat(257)).is_err());
        assert!(Reason::parse(&"x".repeat(512)).is_ok());
        assert!(Reason::parse(&"x".repeat(513)).is_err());
    }
}
