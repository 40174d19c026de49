#![doc = include_str!("../README.md")]

#[cfg(test)]
mod peer;
mod value;

use std::collections::HashSet;

use hifijson::{Expect, SliceLexer, num, num::LexWrite as _, str::LexAlloc as _, token::Lex as _};

pub use value::{Json, Number};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: u32 = 32;

/// The number of names of an object that are compared one by one: faster than hashing them, and still
/// bounded, since further ones are hashed.
const FEW: usize = 16;

/// The bytes are not one strict JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not one UTF-8 JSON text, or nested too deep.
    #[error("is not one UTF-8 JSON text of at most {MAX_DEPTH} levels")]
    Malformed,
    /// An object repeats a key, escapes resolved.
    #[error("repeats a key in an object")]
    RepeatedKey,
}

/// Reads `text` whole.
///
/// # Errors
/// See [`JsonError`].
pub fn read(text: &[u8]) -> Result<Json, JsonError> {
    let read_first = |first, lexer: &mut _| read_value(first, lexer, MAX_DEPTH);
    let value = SliceLexer::new(text).exactly_one(SliceLexer::ws_peek, read_first);
    value.map_err(|Refused(error)| error)
}

/// An error, with conversions from those of the lexer.
struct Refused(JsonError);

impl From<Expect> for Refused {
    fn from(_: Expect) -> Self {
        MALFORMED
    }
}

impl From<num::Error> for Refused {
    fn from(_: num::Error) -> Self {
        MALFORMED
    }
}

impl From<hifijson::str::Error> for Refused {
    fn from(_: hifijson::str::Error) -> Self {
        MALFORMED
    }
}

const MALFORMED: Refused = Refused(JsonError::Malformed);

/// Reads the value that begins with `first`, which is not taken yet and of which arrays and objects
/// may have so many `levels`.
fn read_value(first: u8, lexer: &mut SliceLexer<'_>, levels: u32) -> Result<Json, Refused> {
    Ok(match first {
        b'"' => Json::String(lexer.discarded().str_string()?.into_owned()),
        b'{' => Json::Object(read_object(lexer, below(levels)?)?),
        b'[' => {
            let below = below(levels)?;
            let mut members = Vec::new();
            lexer
                .discarded()
                .seq(b']', SliceLexer::ws_peek, |first, lexer| {
                    members.push(read_value(first, lexer, below)?);
                    Ok::<_, Refused>(())
                })?;
            Json::Array(members)
        }
        b'-' | b'0'..=b'9' => {
            let (text, _) = lexer.num_string().validated()?;
            Json::Number(Number::new(text))
        }
        _ => match lexer.null_or_bool().ok_or(MALFORMED)? {
            Some(value) => Json::Bool(value),
            None => Json::Null,
        },
    })
}

fn read_object(lexer: &mut SliceLexer<'_>, levels: u32) -> Result<Vec<(String, Json)>, Refused> {
    let mut members = Vec::new();
    let mut names = HashSet::new();
    lexer
        .discarded()
        .seq(b'}', SliceLexer::ws_peek, |first, lexer| {
            if first != b'"' {
                return Err(MALFORMED);
            }
            let name = lexer.discarded().str_string()?;
            lexer.expect(SliceLexer::ws_peek, b':').ok_or(MALFORMED)?;
            if is_repeated(&name, &members, &mut names) {
                return Err(Refused(JsonError::RepeatedKey));
            }
            let first = lexer.ws_peek().ok_or(MALFORMED)?;
            let value = read_value(first, lexer, levels)?;
            members.push((name.into_owned(), value));
            Ok(())
        })?;
    Ok(members)
}

/// Returns whether an earlier member has the name. `names` has those of all members once there are
/// many.
fn is_repeated(name: &str, members: &[(String, Json)], names: &mut HashSet<String>) -> bool {
    if members.len() < FEW {
        return members.iter().any(|(known, _)| known == name);
    }
    if names.is_empty() {
        names.extend(members.iter().map(|(known, _)| known.clone()));
    }
    !names.insert(name.to_owned())
}

/// Returns the levels within an array or object that may have so many itself.
fn below(levels: u32) -> Result<u32, Refused> {
    levels.checked_sub(1).ok_or(MALFORMED)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_json_text_of_any_kind_is_read() {
        assert_eq!(read(b" null "), Ok(Json::Null));
        assert_eq!(read(b"\"\\u00e9\""), Ok(Json::String("\u{e9}".into())));
        assert_eq!(
            read(b"{\"a\":[1,true],\"b\":{}}"),
            Ok(Json::Object(vec![
                (
                    "a".into(),
                    Json::Array(vec![Json::Number(Number::new("1")), Json::Bool(true)])
                ),
                ("b".into(), Json::Object(vec![])),
            ]))
        );
    }

    #[test]
    fn a_repeated_key_is_refused_at_any_depth_with_escapes_resolved() {
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"[{"b":{"a":1,"a":1}}]"#,
        ] {
            assert_eq!(read(bad.as_bytes()), Err(JsonError::RepeatedKey), "{bad}");
        }
    }

    #[test]
    fn a_repeated_key_is_refused_among_any_number_of_keys() {
        let object = |names: &mut dyn Iterator<Item = usize>| {
            let members: Vec<_> = names.map(|name| format!("\"{name}\":1")).collect();
            format!("{{{}}}", members.join(","))
        };
        for count in [1, 2, FEW - 1, FEW, FEW + 1, FEW + 2, 100] {
            let distinct = read(object(&mut (0..count)).as_bytes()).unwrap();
            assert!(matches!(distinct, Json::Object(members) if members.len() == count));
            for repeated in 0..count {
                let text = object(&mut (0..count).chain([repeated]));
                assert_eq!(read(text.as_bytes()), Err(JsonError::RepeatedKey), "{text}");
            }
        }
    }

    #[test]
    fn what_is_not_one_utf8_json_text_is_refused() {
        for bad in [
            &b""[..],
            b" ",
            b"{",
            b"{}x",
            b"{} {}",
            b"\xef\xbb\xbf{}",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"[1,]",
            b"01",
            b"+1",
            b".5",
            b"1.",
            b"-",
            b"-01",
            b"--1",
            b"1.e1",
            b"1e",
            b"1e+",
            b"1e+-1",
            b"1e1.5",
            b"1.5.5",
            b"0x1",
            b"[01]",
            b"[1 2]",
            b"{\"a\":01}",
            b"{\"a\"}",
            b"{\"a\":}",
            b"{,}",
            b"{1:1}",
            b"truex",
            b"\x0b1",
            b"1\x00",
            b"\"\x1f\"",
            b"\"\\ud800\\u0041\"",
            b"\"\\ud800\\ud800\"",
            b"\"\\u00\"",
            b"\"\\u+041\"",
            b"\"\xc0\xaf\"",
            b"\"\xed\xa0\x80\"",
            b"NaN",
            b"Infinity",
            b"\"\\ud800\"",
            b"\"\\udc00\\ud800\"",
            b"\"\xff\"",
            b"\"a\nb\"",
            b"// c\n1",
            b"tru",
            b"\"\\x\"",
            b"{\"a\" 1}",
            b"{\"\\ud800\":1}",
        ] {
            assert_eq!(
                read(bad),
                Err(JsonError::Malformed),
                "{:?}",
                String::from_utf8_lossy(bad)
            );
        }
    }

    #[test]
    fn thirty_two_levels_are_read_and_no_more() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(nested(32).as_bytes()).is_ok());
        assert_eq!(read(nested(33).as_bytes()), Err(JsonError::Malformed));
        assert_eq!(
            read("[".repeat(1_000_000).as_bytes()),
            Err(JsonError::Malformed)
        );
    }

    #[test]
    fn a_number_too_large_for_any_type_is_still_json() {
        assert_eq!(read(b"1e400"), Ok(Json::Number(Number::new("1e400"))));
    }

    proptest! {
        #[test]
        fn another_reader_reads_an_accepted_text_alike(text in "[\\[\\]{}:,\"a0-9eE.+\\- \\\\utrfalsn]{0,24}") {
            if let Ok(ours) = read(text.as_bytes())
                && let Ok(theirs) = serde_json::from_str::<serde_json::Value>(&text)
            {
                prop_assert_eq!(ours.kind(), Json::kind_of(&theirs));
            }
        }

        #[test]
        fn another_strict_reader_gives_the_same_results(
            text in r#"([\[\]{}:,]|"a"|"\\u0061"|"\\ud800"|"\\n|0|-1\.5|01|1e5|2\.| |true|nul|\PC){0,12}"#,
        ) {
            prop_assert_eq!(read(text.as_bytes()), peer::read(text.as_bytes()));
        }

        #[test]
        fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&bytes);
        }
    }
}
