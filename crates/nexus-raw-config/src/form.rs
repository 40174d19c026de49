//! What a key takes: how its value is spelt, what it must be, and how it is read.

use std::convert::identity;

use figment::value::Value;

use crate::key::{Key, Kind};

/// What a key takes, and what is documented of it. Made by [`text`], [`list`], [`integer`] or
/// [`boolean`].
pub(crate) struct Form<T> {
    read: Read<T>,
    rule: &'static str,
    default: Option<&'static str>,
    example: &'static str,
    secret: bool,
}

/// How a value becomes a `T`. A function answers `None` where the rule does not hold.
enum Read<T> {
    Text(fn(&str) -> Option<T>),
    List(fn(&[String]) -> Option<T>),
    Integer(fn(i64) -> T),
    Boolean(fn(bool) -> T),
}

/// Text, which `parse` reads. `rule` completes "must be".
pub(crate) const fn text<T>(rule: &'static str, parse: fn(&str) -> Option<T>) -> Form<T> {
    Form::new(Read::Text(parse), rule)
}

/// A list of texts, which `parse` reads. `rule` completes "must be".
pub(crate) const fn list<T>(rule: &'static str, parse: fn(&[String]) -> Option<T>) -> Form<T> {
    Form::new(Read::List(parse), rule)
}

/// An integer. Its range, which stands with its key, is its rule.
pub(crate) const fn integer(default: &'static str) -> Form<i64> {
    Form::new(Read::Integer(identity), "an integer").default(default)
}

/// A switch that is off by default.
pub(crate) const fn boolean() -> Form<bool> {
    let form = Form::new(Read::Boolean(identity), "true or false");
    form.default("false").example("true")
}

impl<T> Form<T> {
    const fn new(read: Read<T>, rule: &'static str) -> Self {
        Self {
            read,
            rule,
            default: None,
            example: "",
            secret: false,
        }
    }

    /// The value where nobody sets one, spelt as in a variable.
    pub(crate) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// A value that passes, for the documentation.
    pub(crate) const fn example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    /// Never printed, and may come from a file by `<name>_file`.
    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Another rule.
    pub(crate) const fn must_be(mut self, rule: &'static str) -> Self {
        self.rule = rule;
        self
    }

    /// The key of this form, as it is documented.
    pub(crate) const fn key(self, name: &'static str, about: &'static str) -> Key {
        Key {
            name,
            kind: match self.read {
                Read::Text(_) => Kind::Text,
                Read::List(_) => Kind::List,
                Read::Integer(_) => Kind::Integer,
                Read::Boolean(_) => Kind::Boolean,
            },
            default: self.default,
            secret: self.secret,
            rule: self.rule,
            about: about.trim_ascii_start(),
            example: self.example,
        }
    }

    /// Reads a value, or says what it must be.
    pub(crate) fn read(&self, value: Value) -> Result<T, String> {
        let read = match self.read {
            Read::Text(parse) => match value.into_string() {
                Some(text) if text.is_empty() => {
                    return Err("must not be empty; leave the key out instead".to_owned());
                }
                text => text.and_then(|text| parse(&text)),
            },
            Read::List(parse) => texts(value).and_then(|texts| parse(&texts)),
            // saturated: what does not fit is out of every key's range anyway
            Read::Integer(same) => value.to_i128().map(|number| {
                let bound = if number < 0 { i64::MIN } else { i64::MAX };
                same(i64::try_from(number).unwrap_or(bound))
            }),
            Read::Boolean(same) => value.to_bool().map(same),
        };
        read.ok_or_else(|| format!("must be {}", self.rule))
    }
}

fn texts(value: Value) -> Option<Vec<String>> {
    let items = value.into_array()?.into_iter();
    items.map(Value::into_string).collect()
}
