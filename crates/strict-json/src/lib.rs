#![doc = include_str!("../README.md")]

mod value;

use std::collections::HashSet;

use struson::reader::{JsonReader, JsonStreamReader, ReaderSettings, ValueType};

pub use value::{Json, Number};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: u32 = 32;

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
    let settings = ReaderSettings {
        max_nesting_depth: Some(MAX_DEPTH),
        restrict_number_values: false,
        track_path: false,
        ..ReaderSettings::default()
    };
    let mut reader = JsonStreamReader::new_custom(text, settings);
    let value = read_value(&mut reader)?;
    reader
        .consume_trailing_whitespace()
        .map_err(|_| JsonError::Malformed)?;
    Ok(value)
}

fn read_value(reader: &mut JsonStreamReader<&[u8]>) -> Result<Json, JsonError> {
    let malformed = |_| JsonError::Malformed;
    Ok(match reader.peek().map_err(malformed)? {
        ValueType::Null => {
            reader.next_null().map_err(malformed)?;
            Json::Null
        }
        ValueType::Boolean => Json::Bool(reader.next_bool().map_err(malformed)?),
        ValueType::Number => {
            Json::Number(Number::new(reader.next_number_as_str().map_err(malformed)?))
        }
        ValueType::String => Json::String(reader.next_string().map_err(malformed)?),
        ValueType::Array => {
            reader.begin_array().map_err(malformed)?;
            let mut members = Vec::new();
            while reader.has_next().map_err(malformed)? {
                members.push(read_value(reader)?);
            }
            reader.end_array().map_err(malformed)?;
            Json::Array(members)
        }
        ValueType::Object => {
            reader.begin_object().map_err(malformed)?;
            let mut members = Vec::new();
            let mut names = HashSet::new();
            while reader.has_next().map_err(malformed)? {
                let name = reader.next_name_owned().map_err(malformed)?;
                if !names.insert(name.clone()) {
                    return Err(JsonError::RepeatedKey);
                }
                members.push((name, read_value(reader)?));
            }
            reader.end_object().map_err(malformed)?;
            Json::Object(members)
        }
    })
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
        fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&bytes);
        }
    }
}
