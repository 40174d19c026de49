//! What text of others may hold, and what the validated text types have in common.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Whether a character shows nothing of itself, or changes how the text around it is shown or
/// split: what could hide, reorder or break what a person or a log reader sees.
///
/// These are controls (Cc), formats (Cf: all bidirectional and zero-width controls), line and
/// paragraph separators (Zl, Zp), noncharacters, and what shows nothing although it counts as a
/// letter or a mark: the combining grapheme joiner, the Hangul fillers (two more fold into them),
/// the Khmer inherent vowels. Variation selectors show: they choose how an emoji or an ideograph
/// looks. (Unicode Technical Report 36; Unicode Standard, section 23.7.)
#[must_use]
pub fn is_invisible(char: char) -> bool {
    if char.is_ascii() {
        return char.is_ascii_control();
    }
    let code = u32::from(char);
    // the last two code points of each plane, and 32 of the first one
    let is_noncharacter = code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code);
    is_noncharacter
        || matches!(
            char.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
        || matches!(
            char,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        )
}

/// Whether a text has an invisible character where it may have none: anywhere, save that a joiner
/// may stand between two characters that are neither ASCII nor joiners. Persian, Sinhala and emoji
/// cannot be written without.
pub(crate) fn has_invisible(text: &str) -> bool {
    let is_joiner = |char: char| matches!(char, '\u{200c}' | '\u{200d}');
    let joins =
        |neighbour: Option<char>| neighbour.is_some_and(|it| !it.is_ascii() && !is_joiner(it));
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        let may_join = is_joiner(char) && joins(before) && joins(rest.peek().copied());
        if is_invisible(char) && !may_join {
            return true;
        }
        before = Some(char);
    }
    false
}

/// Gives a validated text type its constructor from text, its views and its serde form.
///
/// The type must have one private field of `Arc<str>` and an associated
/// `fn check(&str) -> Result<(), Error>`; every way into the type goes through it, so that a
/// value of the type is the proof that its text was checked.
///
/// A rule may become stricter while texts that it took before are kept. Such a type also names a
/// `fn check_stored(&str) -> Result<(), Error>`: what must hold of a text that an earlier version
/// took. It gives `from_stored`, and serde reads by it, since all that is deserialized here is what
/// the service wrote itself: callers come in by `parse` alone.
macro_rules! validated_text {
    ($type:ident, $error:ty) => {
        $crate::text::validated_text!(@text $type, $error);
        $crate::text::validated_text!(@deserialize $type, parse);
    };
    ($type:ident, $error:ty, stored: $check_stored:ident) => {
        $crate::text::validated_text!(@text $type, $error);
        $crate::text::validated_text!(@deserialize $type, from_stored);

        impl $type {
            /// Takes back a text that this or an earlier version took and kept. What a caller sends
            /// goes through [`Self::parse`].
            ///
            /// # Errors
            /// Says which rule the text breaks that has always held.
            pub fn from_stored(text: &str) -> Result<Self, $error> {
                Self::$check_stored(text)?;
                Ok(Self(std::sync::Arc::from(text)))
            }
        }
    };
    (@deserialize $type:ident, $read:ident) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                Self::$read(&text).map_err(serde::de::Error::custom)
            }
        }
    };
    (@text $type:ident, $error:ty) => {
        impl $type {
            /// Checks `text` and takes it as it is: nothing is trimmed, folded or normalised.
            ///
            /// # Errors
            /// Says which rule of the type the text breaks.
            pub fn parse(text: &str) -> Result<Self, $error> {
                Self::check(text)?;
                Ok(Self(std::sync::Arc::from(text)))
            }

            /// The text, exactly as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(out, concat!(stringify!($type), "({:?})"), &*self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }
    };
}

pub(crate) use validated_text;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_reorders_or_breaks_is_invisible_and_what_shows_is_not() {
        for invisible in [
            '\u{0}',
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{80}',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{feff}',
            '\u{fff9}',
            '\u{fdd0}',
            '\u{fdef}',
            '\u{fffe}',
            '\u{ffff}',
            '\u{1fffe}',
            '\u{10ffff}',
            '\u{e0001}',
            '\u{e0041}',
        ] {
            assert!(is_invisible(invisible), "{invisible:?}");
        }
        for shown in [
            ' ',
            'a',
            '~',
            '\u{a0}',
            '\u{e9}',
            '\u{301}',
            '\u{3000}',
            '\u{fdcf}',
            '\u{fdf0}',
            '\u{fe0f}',
            '\u{fffd}',
            '\u{1f600}',
            '\u{10fffd}',
        ] {
            assert!(!is_invisible(shown), "{shown:?}");
        }
    }

    #[test]
    fn a_joiner_is_between_two_characters_that_it_can_join() {
        for good in [
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{dc1}\u{dca}\u{200d}\u{dbb}\u{dd3}",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
        ] {
            assert!(!has_invisible(good), "{good:?}");
        }
        for bad in [
            "\u{200d}",
            "\u{200c}\u{645}",
            "\u{645}\u{200c}",
            "a\u{200d}b",
            "\u{645}\u{200c}b",
            "a\u{200c}\u{645}",
            "\u{645}\u{200c}.",
            "\u{645}\u{200c}\u{200d}\u{645}",
            "\u{645}\u{200d}\u{200d}\u{645}",
            "\u{645}\u{200b}\u{645}",
            "\u{645}\u{200c}\u{202e}\u{645}",
        ] {
            assert!(has_invisible(bad), "{bad:?}");
        }
    }
}
