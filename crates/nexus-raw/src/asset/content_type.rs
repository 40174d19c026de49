use std::sync::Arc;

use crate::text::validated_text;

/// The media type of an asset's bytes, kept and compared byte for byte.
///
/// By the grammar of RFC 9110, section 8.3.1, without wildcards, and narrowed to what every hop
/// on the way to the store leaves alone: ASCII, at most 127 bytes, no tab, no two spaces in a row,
/// none at either end, no empty parameter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentType(Arc<str>);

/// Why a text is no [`ContentType`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentTypeError {
    /// Empty, or longer than 127 bytes.
    #[error("must have 1 to 127 bytes")]
    Length,
    /// A tab, two spaces in a row, or a space at an end.
    #[error("must have no tab, no two spaces in a row and none at either end")]
    Space,
    /// Not `type/subtype` with well-formed parameters.
    #[error(
        "must be a media type by RFC 9110, such as `image/jpeg`, without wildcards or empty parameters"
    )]
    Grammar,
}

impl ContentType {
    /// `application/octet-stream`: what content is when nothing is said of it (RFC 2046, 4.5.1).
    pub const OCTET_STREAM: &'static str = "application/octet-stream";

    /// The type of content of which nothing is said.
    #[must_use]
    pub fn octet_stream() -> Self {
        Self(Arc::from(Self::OCTET_STREAM))
    }

    /// Whether browsers run content of this type as a document or a script: HTML, XML in every
    /// form, and JavaScript (WHATWG MIME Sniffing, "MIME type groups").
    #[must_use]
    pub fn is_active(&self) -> bool {
        let essence = self.0.split([';', ' ']).next().unwrap_or_default();
        let essence = essence.to_ascii_lowercase();
        let Some((kind, subtype)) = essence.split_once('/') else {
            return false;
        };
        let is_script = |it: &str| {
            let it = it.strip_prefix("x-").unwrap_or(it);
            // up to javascript1.5
            it.starts_with("javascript") || matches!(it, "ecmascript" | "jscript" | "livescript")
        };
        match (kind, subtype) {
            ("text", "html" | "xsl") | ("text" | "application", "xml") => true,
            ("text" | "application", it) if is_script(it) => true,
            (_, it) => it.ends_with("+xml"),
        }
    }

    fn check(text: &str) -> Result<(), ContentTypeError> {
        if !(1..=127).contains(&text.len()) {
            return Err(ContentTypeError::Length);
        }
        let edge = text.starts_with(' ') || text.ends_with(' ');
        if edge || text.contains('\t') || text.contains("  ") {
            return Err(ContentTypeError::Space);
        }
        media_type(text.as_bytes()).ok_or(ContentTypeError::Grammar)
    }

    /// A type and a subtype in the value of a header: what every version has required.
    fn check_stored(text: &str) -> Result<(), ContentTypeError> {
        if !(1..=127).contains(&text.len()) {
            return Err(ContentTypeError::Length);
        }
        let in_header = |byte| matches!(byte, b' '..=b'~' | b'\t');
        let both = |text| name(name(text)?.strip_prefix(b"/")?);
        if text.bytes().all(in_header) && both(text.as_bytes().trim_ascii()).is_some() {
            Ok(())
        } else {
            Err(ContentTypeError::Grammar)
        }
    }
}

validated_text!(ContentType, ContentTypeError, stored: check_stored);

/// `type "/" subtype *( OWS ";" OWS name "=" ( token / quoted-string ) )`, whole.
fn media_type(text: &[u8]) -> Option<()> {
    let rest = name(text)?.strip_prefix(b"/")?;
    let mut rest = name(rest)?;
    while !rest.is_empty() {
        rest = spaces(spaces(rest).strip_prefix(b";")?);
        rest = token(rest)?.strip_prefix(b"=")?;
        rest = match rest.strip_prefix(b"\"") {
            Some(quoted) => quoted_string(quoted)?,
            None => token(rest)?,
        };
    }
    Some(())
}

/// Skips a type or subtype: a token without `*`, the wildcard of `Accept`.
fn name(text: &[u8]) -> Option<&[u8]> {
    let rest = token(text)?;
    let taken = &text[..text.len() - rest.len()];
    (!taken.contains(&b'*')).then_some(rest)
}

/// Skips a token (RFC 9110, 5.6.2).
fn token(text: &[u8]) -> Option<&[u8]> {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let end = text
        .iter()
        .position(|byte| !is_tchar(byte))
        .unwrap_or(text.len());
    (end > 0).then(|| &text[end..])
}

/// Skips the rest of a quoted string after its opening quote (RFC 9110, 5.6.4), in ASCII.
fn quoted_string(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', b' '..=b'~', rest @ ..] | [b' '..=b'[' | b']'..=b'~', rest @ ..] => text = rest,
            _ => return None,
        }
    }
}

fn spaces(text: &[u8]) -> &[u8] {
    text.strip_prefix(b" ").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn media_types_with_and_without_parameters_are_kept_byte_for_byte() {
        for good in [
            "image/jpeg",
            "IMAGE/JPEG",
            "text/plain; charset=utf-8",
            "text/plain;charset=UTF-8",
            "text/plain ; a=b",
            "application/vnd.api+json",
            "a/b; c=\"d e\"",
            "a/b; c=\"\\\"\"",
            "a/b; c=\"\"",
            "a/b;c=d;e=f",
            "a/b; c=*",
        ] {
            assert_eq!(
                ContentType::parse(good).map(|it| it.to_string()),
                Ok(good.to_owned())
            );
        }
    }

    #[test]
    fn a_text_that_a_hop_could_change_or_the_grammar_lacks_is_refused() {
        use ContentTypeError::{Grammar, Length, Space};
        let long = format!("a/{}", "b".repeat(126));
        for (bad, reason) in [
            ("", Length),
            (long.as_str(), Length),
            (" a/b", Space),
            ("a/b ", Space),
            ("a/b;\tc=d", Space),
            ("a/b;  c=d", Space),
            ("a/b; c=\"d  e\"", Space),
            ("a", Grammar),
            ("a/", Grammar),
            ("/b", Grammar),
            ("a/b/c", Grammar),
            ("*/*", Grammar),
            ("image/*", Grammar),
            ("a/b;", Grammar),
            ("a/b;;c=d", Grammar),
            ("a/b; c", Grammar),
            ("a/b; c=", Grammar),
            ("a/b; c =d", Grammar),
            ("a/b; c= d", Grammar),
            ("a/b; c=\"d", Grammar),
            ("a/b; c=\"d\"e", Grammar),
            ("a/b, c/d", Grammar),
            ("a/b\r\nx: y", Grammar),
            ("a/b\u{0}", Grammar),
            ("a/\u{e9}", Grammar),
            ("a/b; c=\"\u{e9}\"", Grammar),
        ] {
            assert_eq!(ContentType::parse(bad), Err(reason), "{bad:?}");
        }
    }

    #[test]
    fn a_stored_type_is_the_value_of_a_header() {
        for stored in ["a/b;\tc=d", "a/b;  c=d", "a/b;;c=d", " a/b "] {
            let it = ContentType::from_stored(stored).unwrap();
            assert_eq!(it.as_str(), stored);
            assert!(ContentType::parse(stored).is_err(), "{stored:?}");
        }
        let long = "a".repeat(128);
        for bad in [
            "",
            "a",
            "a/",
            "/b",
            "*/*",
            "a/b\r\nx: y",
            "a/b\u{0}",
            "a/\u{e9}",
            &long,
        ] {
            assert!(ContentType::from_stored(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_type_is_printable_ascii_with_one_slash_before_any_parameter(text in "[ -~]{0,20}|[a/;=\" *\\\\]{0,12}") {
            if let Ok(it) = ContentType::parse(&text) {
                let essence = it.as_str().split(';').next().unwrap();
                prop_assert_eq!(essence.matches('/').count(), 1);
                prop_assert!(it.as_str().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                prop_assert_eq!(ContentType::from_stored(&text), Ok(it));
            }
        }
    }
}
