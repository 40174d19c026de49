use figment::value::Value;

use crate::key::Kind;

/// Parses the text of a variable or a default by the kind of its key.
///
/// figment's own parser of variables guesses the type from the text: `000123` becomes a number,
/// quotes and spaces are removed. Here text is kept to the byte, and other kinds are spelt as in
/// TOML. A text that is not a value of its kind stays text, which the key then refuses.
pub(super) fn typed(kind: Kind, text: &str) -> Value {
    let value = match kind {
        Kind::Text => None,
        Kind::Integer | Kind::Boolean | Kind::List => text.parse::<toml::Value>().ok(),
    };
    value
        .and_then(|value| Value::serialize(value).ok())
        .unwrap_or_else(|| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_to_the_byte() {
        for text in [
            "000123", "true", " x ", "\"x\"", "[a,b]", "{a=1}", "1e3", "",
        ] {
            assert_eq!(typed(Kind::Text, text).as_str(), Some(text));
        }
    }

    #[test]
    fn other_kinds_are_spelt_as_in_toml() {
        assert_eq!(typed(Kind::Integer, "900").to_i128(), Some(900));
        assert_eq!(typed(Kind::Integer, "1_000").to_i128(), Some(1000));
        assert_eq!(typed(Kind::Boolean, "true").to_bool(), Some(true));
        let list = typed(Kind::List, r#"["a", "b"]"#);
        let items: Vec<_> = list.as_array().unwrap().iter().map(Value::as_str).collect();
        assert_eq!(items, [Some("a"), Some("b")]);
    }

    #[test]
    fn what_is_no_value_of_the_kind_stays_text() {
        for (kind, text) in [
            (Kind::Integer, "900s"),
            (Kind::Integer, ""),
            (Kind::Integer, "5\nx = 1"),
            (Kind::Boolean, "yes"),
            (Kind::Boolean, "TRUE"),
            (Kind::List, "a,b"),
            (Kind::List, "[a,b]"),
        ] {
            assert_eq!(typed(kind, text).as_str(), Some(text), "{text:?}");
        }
    }

    #[test]
    fn a_deeply_nested_list_is_refused_and_not_recursed_into() {
        let deep = "[".repeat(200_000);
        assert_eq!(typed(Kind::List, &deep).as_str(), Some(deep.as_str()));
    }
}
