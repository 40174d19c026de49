//! The format of a key's value: its TOML type, its rule, and how it is read.

use std::convert::identity;

use figment::value::Value;

use crate::key::{Key, Kind};

/// The format of a key's value, with its documentation. Created by [`text`], [`list`], [`integer`]
/// or [`boolean`].
pub(crate) struct Form<T> {
    read: Parser<T>,
    rule: &'static str,
    default: Option<&'static str>,
    example: &'static str,
    secret: bool,
}

/// The parser of a value. It returns `None` if the rule is broken.
enum Parser<T> {
    Text(fn(&str) -> Option<T>),
    List(fn(&[String]) -> Option<T>),
    Integer(fn(i64) -> T),
    Boolean(fn(bool) -> T),
}

/// Returns the form of a text. `rule` completes "must be".
pub(crate) const fn text<T>(rule: &'static str, parse: fn(&str) -> Option<T>) -> Form<T> {
    Form::new(Parser::Text(parse), rule)
}

/// Returns the form of a list of texts. `rule` completes "must be".
pub(crate) const fn list<T>(rule: &'static str, parse: fn(&[String]) -> Option<T>) -> Form<T> {
    Form::new(Parser::List(parse), rule)
}

/// Returns the form of an integer. Its rule is the range declared with its key.
pub(crate) const fn integer(default: &'static str) -> Form<i64> {
    Form::new(Parser::Integer(identity), "an integer").default(default)
}

/// Returns the form of a switch that is off by default.
pub(crate) const fn boolean() -> Form<bool> {
    let form = Form::new(Parser::Boolean(identity), "true or false");
    form.default("false").example("true")
}

impl<T> Form<T> {
    const fn new(read: Parser<T>, rule: &'static str) -> Self {
        Self {
            read,
            rule,
            default: None,
            example: "",
            secret: false,
        }
    }

    /// Sets the default value, spelt as in a variable.
    pub(crate) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// Sets a valid example for the documentation.
    pub(crate) const fn example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    /// Marks a secret: never printed, and may come from a file by `<name>_file`.
    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Replaces the rule.
    pub(crate) const fn must_be(mut self, rule: &'static str) -> Self {
        self.rule = rule;
        self
    }

    /// Returns the key of this form, for the table of keys.
    pub(crate) const fn key(self, name: &'static str, about: &'static str) -> Key {
        Key {
            name,
            kind: match self.read {
                Parser::Text(_) => Kind::Text,
                Parser::List(_) => Kind::List,
                Parser::Integer(_) => Kind::Integer,
                Parser::Boolean(_) => Kind::Boolean,
            },
            default: self.default,
            secret: self.secret,
            rule: self.rule,
            about: about.trim_ascii_start(),
            example: self.example,
        }
    }

    /// Parses a value, or returns the rule that it breaks.
    pub(crate) fn read(&self, value: Value) -> Result<T, String> {
        let read = match self.read {
            Parser::Text(parse) => match value.into_string() {
                Some(text) if text.is_empty() => {
                    return Err("must not be empty; omit the key instead".to_owned());
                }
                text => text.and_then(|text| parse(&text)),
            },
            Parser::List(parse) => texts(value).and_then(|texts| parse(&texts)),
            // saturated: a larger value is out of every key's range anyway
            Parser::Integer(same) => value.to_i128().map(|number| {
                let bound = if number < 0 { i64::MIN } else { i64::MAX };
                same(i64::try_from(number).unwrap_or(bound))
            }),
            Parser::Boolean(same) => value.to_bool().map(same),
        };
        read.ok_or_else(|| format!("must be {}", self.rule))
    }
}

fn texts(value: Value) -> Option<Vec<String>> {
    let items = value.into_array()?.into_iter();
    items.map(Value::into_string).collect()
}
