use std::sync::Arc;

use crate::text::validated_text;

/// An SPDX license expression: well-formed by the grammar of SPDX 2.3, annex D, at most 128 bytes.
/// Names are not looked up in the list of licenses, which grows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct License(Arc<str>);

/// A text is no [`License`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an SPDX license expression of at most 128 bytes, such as `CC-BY-4.0` or `MIT OR Apache-2.0`"
)]
#[non_exhaustive]
pub struct LicenseError;

impl License {
    /// The maximum length, in bytes.
    pub const MAX_BYTES: usize = 128;

    fn check(text: &str) -> Result<(), LicenseError> {
        let outer = text.trim_matches(' ').len();
        if text.len() > Self::MAX_BYTES || outer != text.len() {
            return Err(LicenseError);
        }
        let mut rest = Tokens(text);
        if compound(&mut rest) && rest.peek() == Token::End {
            Ok(())
        } else {
            Err(LicenseError)
        }
    }
}

validated_text!(License, LicenseError);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Open,
    Close,
    /// A name or an operator.
    Word(&'t str),
    End,
    /// A character that no expression has.
    Other,
}

/// The rest of a text.
struct Tokens<'t>(&'t str);

impl<'t> Tokens<'t> {
    fn peek(&self) -> Token<'t> {
        let rest = self.0.trim_start_matches(' ');
        let is_word = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '.' | '+' | ':');
        match rest.chars().next() {
            None => Token::End,
            Some('(') => Token::Open,
            Some(')') => Token::Close,
            Some(_) => match rest.find(|it| !is_word(it)).unwrap_or(rest.len()) {
                0 => Token::Other,
                end => Token::Word(&rest[..end]),
            },
        }
    }

    fn take(&mut self) -> Token<'t> {
        let token = self.peek();
        let rest = self.0.trim_start_matches(' ');
        let length = match token {
            Token::Open | Token::Close => 1,
            Token::Word(word) => word.len(),
            Token::End | Token::Other => 0,
        };
        self.0 = &rest[length..];
        token
    }
}

/// `simple [WITH exception]` or `( compound )`, joined by `AND` and `OR`. The depth is bounded by
/// the length.
fn compound(rest: &mut Tokens<'_>) -> bool {
    loop {
        let is_operand = match rest.take() {
            Token::Open => compound(rest) && rest.take() == Token::Close,
            Token::Word(name) => is_license(name) && exception(rest),
            _ => false,
        };
        if !is_operand {
            return false;
        }
        if !matches!(rest.peek(), Token::Word("AND" | "OR")) {
            return true;
        }
        rest.take();
    }
}

/// An optional `WITH exception`.
fn exception(rest: &mut Tokens<'_>) -> bool {
    if rest.peek() != Token::Word("WITH") {
        return true;
    }
    rest.take();
    match rest.take() {
        Token::Word(name) => {
            let own = name.strip_prefix("AdditionRef-");
            own.map_or_else(|| is_name(name), is_id)
        }
        _ => false,
    }
}

/// A license's id, with or without `+`, or a reference to a license of the document's own.
fn is_license(name: &str) -> bool {
    let (document, own) = match name.strip_prefix("DocumentRef-") {
        Some(rest) => match rest.split_once(':') {
            Some((document, own)) => (Some(document), own),
            None => return false,
        },
        None => (None, name),
    };
    match own.strip_prefix("LicenseRef-") {
        Some(id) => is_id(id) && document.is_none_or(is_id),
        None => document.is_none() && is_name(own.strip_suffix('+').unwrap_or(own)),
    }
}

fn is_name(text: &str) -> bool {
    is_id(text) && !matches!(text, "AND" | "OR" | "WITH")
}

fn is_id(text: &str) -> bool {
    let is_part = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.');
    !text.is_empty() && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_the_grammar_are_licenses() {
        let longest = "a".repeat(128);
        for good in [
            "MIT",
            "CC-BY-4.0",
            "GPL-2.0+",
            "LicenseRef-acme-1.0",
            "DocumentRef-spdx-tool-1.2:LicenseRef-MIT-Style-2",
            "GPL-2.0-or-later WITH Bison-exception-2.2",
            "MIT WITH AdditionRef-ours",
            "MIT OR Apache-2.0",
            "(MIT OR Apache-2.0) AND CC0-1.0",
            "((MIT))",
            "MIT  AND (  BSD-2-Clause )",
            "Not-In-The-List",
            longest.as_str(),
        ] {
            assert_eq!(
                License::parse(good).map(|it| it.to_string()),
                Ok(good.to_owned())
            );
        }
    }

    #[test]
    fn other_texts_are_not() {
        let too_long = "a".repeat(129);
        for bad in [
            "",
            " MIT",
            "MIT ",
            "CC BY",
            "MIT OR",
            "OR MIT",
            "MIT or Apache-2.0",
            "MIT/Apache-2.0",
            "(MIT",
            "MIT)",
            "()",
            "MIT WITH",
            "(MIT) WITH x",
            "MIT WITH (x)",
            "MIT++",
            "+",
            "LicenseRef-",
            "LicenseRef-a+",
            "DocumentRef-a",
            "DocumentRef-a:MIT",
            "DocumentRef-:LicenseRef-a",
            "a:b",
            "MIT\tOR Apache-2.0",
            "M\u{131}T",
            too_long.as_str(),
        ] {
            assert_eq!(License::parse(bad), Err(LicenseError), "{bad:?}");
        }
    }

    #[test]
    fn the_deepest_expression_is_parsed() {
        let deep = format!("{}a{}", "(".repeat(63), ")".repeat(63));
        assert!(License::parse(&deep).is_ok());
    }
}
