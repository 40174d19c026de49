use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::{ContentType, Filename};

/// What `filename*` encodes: more than it must (RFC 8187, 3.2.1).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a browser is to do with a download (RFC 6266).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Save it.
    #[default]
    Attachment,
    /// Show it.
    Inline,
}

/// A text is no [`Disposition`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `attachment` or `inline`")]
#[non_exhaustive]
pub struct DispositionError;

impl Disposition {
    /// Reads the name of a disposition.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, DispositionError> {
        match text {
            "attachment" => Ok(Self::Attachment),
            "inline" => Ok(Self::Inline),
            _ => Err(DispositionError),
        }
    }

    /// Returns its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attachment => "attachment",
            Self::Inline => "inline",
        }
    }

    /// Whether content of this type may be shown by a browser: not if the browser would run it,
    /// in the name of the store that it came from.
    #[must_use]
    pub fn suits(self, content_type: &ContentType) -> bool {
        self == Self::Attachment || !content_type.is_active()
    }

    /// Returns the value of `Content-Disposition` (RFC 6266): the name in ASCII, with `_` for what
    /// it cannot say, and the whole name for clients that read `filename*` (RFC 8187).
    #[must_use]
    pub fn header(self, filename: &Filename) -> String {
        let plain = |it: char| match it {
            // clients decode `%` in different ways
            '"' | '\\' | '%' => '_',
            ' '..='~' => it,
            _ => '_',
        };
        let ascii: String = filename.as_str().chars().map(plain).collect();
        let whole = utf8_percent_encode(filename.as_str(), ENCODED);
        let name = self.as_str();
        format!("{name}; filename=\"{ascii}\"; filename*=UTF-8''{whole}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(filename: &str) -> String {
        Disposition::Attachment.header(&Filename::parse(filename).unwrap())
    }

    #[test]
    fn a_name_is_given_in_ascii_and_whole() {
        for (filename, expected) in [
            (
                "DSCN0010.jpg",
                "attachment; filename=\"DSCN0010.jpg\"; filename*=UTF-8''DSCN0010.jpg",
            ),
            (
                "a b\"c%41'.jpg",
                "attachment; filename=\"a b_c_41'.jpg\"; filename*=UTF-8''a%20b%22c%2541%27.jpg",
            ),
            (
                "Gr\u{fc}\u{df}e \u{20ac}.jpg",
                "attachment; filename=\"Gr__e _.jpg\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%E2%82%AC.jpg",
            ),
        ] {
            assert_eq!(header(filename), expected);
        }
        let shown = Disposition::Inline.header(&Filename::parse("a").unwrap());
        assert_eq!(shown, "inline; filename=\"a\"; filename*=UTF-8''a");
    }

    #[test]
    fn what_a_browser_runs_is_not_shown() {
        for active in [
            "text/html",
            "Text/HTML; charset=utf-8",
            "application/xhtml+xml",
            "image/svg+xml",
            "application/xml",
            "text/xml;charset=utf-8",
            "application/rss+xml",
            "text/javascript",
            "application/x-javascript",
            "application/ecmascript",
            "text/javascript1.5",
        ] {
            let content_type = ContentType::parse(active).unwrap();
            assert!(!Disposition::Inline.suits(&content_type), "{active}");
            assert!(Disposition::Attachment.suits(&content_type), "{active}");
        }
        for passive in [
            "image/jpeg",
            "text/plain; x=\"text/html\"",
            "application/json",
            "application/pdf",
            "application/xml-dtd",
            "image/svg",
        ] {
            let content_type = ContentType::parse(passive).unwrap();
            assert!(Disposition::Inline.suits(&content_type), "{passive}");
        }
    }

    #[test]
    fn a_disposition_has_one_name() {
        for it in [Disposition::Attachment, Disposition::Inline] {
            assert_eq!(Disposition::parse(it.as_str()), Ok(it));
        }
        for other in ["", "Inline", "form-data", "inline "] {
            assert_eq!(Disposition::parse(other), Err(DispositionError), "{other}");
        }
    }

    proptest! {
        /// No name ends the quoted string, or adds a parameter or a line.
        #[test]
        fn a_header_has_two_parameters_for_any_name(name in "\\PC{1,60}") {
            let Ok(filename) = Filename::parse(&name) else { return Ok(()) };
            let header = Disposition::Attachment.header(&filename);
            let rest = header.strip_prefix("attachment; filename=\"").unwrap();
            let (plain, whole) = rest.split_once("\"; filename*=UTF-8''").unwrap();
            prop_assert!(plain.bytes().all(|it| (b' '..=b'~').contains(&it) && !b"\"\\%".contains(&it)));
            let token = |it: u8| it.is_ascii_alphanumeric() || b"%-._~".contains(&it);
            prop_assert!(whole.bytes().all(token));
            let decoded = percent_encoding::percent_decode_str(whole).decode_utf8().unwrap();
            prop_assert_eq!(decoded, filename.as_str());
        }
    }
}
