/// A JSON value as it was written: members in order, numbers as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string, escapes resolved.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, each name once.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// What kind of value it is, in the words of RFC 8259.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// The text, where it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The member of this name, where it is an object that has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    #[cfg(test)]
    pub(super) fn kind_of(other: &serde_json::Value) -> &'static str {
        match other {
            serde_json::Value::Null => "null",
            serde_json::Value::Bool(_) => "boolean",
            serde_json::Value::Number(_) => "number",
            serde_json::Value::String(_) => "string",
            serde_json::Value::Array(_) => "array",
            serde_json::Value::Object(_) => "object",
        }
    }
}

/// A JSON number as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(Box<str>);

impl Number {
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The number, where it is written as a non-negative integer, without fraction or exponent,
    /// and fits 64 bits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The number, where it is written as an integer and fits 64 bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The nearest finite number; `None` where the text is beyond what 64 bits hold.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok().filter(|it: &f64| it.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_has_no_fraction_and_no_exponent() {
        for (text, integer) in [
            ("7", Some(7)),
            ("0", Some(0)),
            ("7.0", None),
            ("7e0", None),
            ("-1", None),
            ("-0", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(Number::new(text).as_u64(), integer, "{text}");
        }
        assert_eq!(Number::new("-1").as_i64(), Some(-1));
    }

    #[test]
    fn a_float_is_finite() {
        assert_eq!(Number::new("-1.5e1").as_f64(), Some(-15.0));
        assert_eq!(Number::new("1e400").as_f64(), None);
    }
}
