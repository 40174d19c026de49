use std::{borrow::Cow, collections::BTreeMap, fmt::Display};

use percent_encoding::percent_decode_str;

use crate::http::respond::{Fault, Faults};

/// The parameters of a query, each read once, by name. Faults are collected, so that all are
/// reported; a parameter that was not read is a fault at the end.
///
/// Names and values are form-decoded (WHATWG URL, section 5.1), strictly: a bad escape and bytes
/// that are no UTF-8 are faults. The faulty parameter is named by a pointer as a member of a body
/// would be.
pub(crate) struct Query<'q> {
    pairs: Vec<(Cow<'q, str>, Cow<'q, str>)>,
    known: Vec<Cow<'q, str>>,
    faults: Faults,
}

/// The text of a form that this is; `None` for a bad escape and for bytes that are no UTF-8.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    let mut escapes = text.split('%').skip(1);
    let is_escape = |rest: &str| {
        let bytes = rest.as_bytes();
        bytes.len() >= 2 && bytes[..2].iter().all(u8::is_ascii_hexdigit)
    };
    if !escapes.all(is_escape) {
        return None;
    }
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Some(
            percent_decode_str(&spaced)
                .decode_utf8()
                .ok()?
                .into_owned()
                .into(),
        );
    }
    percent_decode_str(text).decode_utf8().ok()
}

impl<'q> Query<'q> {
    pub(crate) fn of(query: &'q str) -> Self {
        let mut read = Self {
            pairs: Vec::new(),
            known: Vec::new(),
            faults: Faults::default(),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decoded(name), decoded(value)) {
                (Some(name), Some(value)) => read.pairs.push((name, value)),
                (clean, _) => {
                    let name = clean.unwrap_or(Cow::Borrowed(name));
                    read.fault(&name, "must be percent-encoded UTF-8");
                    // it is not missing too
                    read.known.push(name);
                }
            }
        }
        read
    }

    /// The value of a parameter that is there at most once, read by `parse`: `Ok(None)` where it
    /// is absent, `Err` where it is faulty.
    fn once<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ()> {
        let is_faulty = self.known.iter().any(|it| it == name);
        self.known.push(Cow::Borrowed(name));
        let mut values = self.pairs.iter().filter(|(it, _)| it == name);
        let (first, repeat) = (values.next(), values.next());
        let read = match (first, repeat) {
            (None, _) => return if is_faulty { Err(()) } else { Ok(None) },
            (Some(_), Some(_)) => Err("must be there once".to_owned()),
            (Some((_, text)), None) => parse(text).map_err(|error| error.to_string()),
        };
        read.map(Some).map_err(|detail| self.fault(name, detail))
    }

    /// Reads an integer from `least` to `most`, in digits without a sign or a leading zero;
    /// `default` if the parameter is absent.
    pub(crate) fn integer(
        &mut self,
        name: &'static str,
        default: u64,
        least: u64,
        most: u64,
    ) -> Option<u64> {
        let parse = |text: &str| {
            let number = digits(text).filter(|number| (least..=most).contains(number));
            number.ok_or_else(|| format!("must be an integer from {least} to {most}"))
        };
        let read = self.once(name, parse).ok()?;
        Some(read.unwrap_or(default))
    }

    /// An integer in digits without a sign or a leading zero, read by `parse`; `Some(None)` where
    /// the parameter is absent.
    #[expect(
        clippy::option_option,
        reason = "faulty, absent and there, in the form that `?` takes apart"
    )]
    pub(crate) fn optional_integer<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(u64) -> Result<T, E>,
    ) -> Option<Option<T>> {
        self.once(name, |text| {
            let number = digits(text).ok_or_else(|| "must be an integer".to_owned())?;
            parse(number).map_err(|error| error.to_string())
        })
        .ok()
    }

    /// A text that is not empty, read by `parse`; `Some(None)` where the parameter is absent.
    #[expect(
        clippy::option_option,
        reason = "faulty, absent and there, in the form that `?` takes apart"
    )]
    pub(crate) fn text<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        self.once(name, |text| {
            if text.is_empty() {
                return Err("must not be empty".to_owned());
            }
            parse(text).map_err(|error| error.to_string())
        })
        .ok()
    }

    /// `true` or `false`; `Some(None)` where the parameter is absent.
    #[expect(
        clippy::option_option,
        reason = "faulty, absent and there, in the form that `?` takes apart"
    )]
    pub(crate) fn boolean(&mut self, name: &'static str) -> Option<Option<bool>> {
        self.text(name, |text| {
            text.parse::<bool>().map_err(|_| "must be true or false")
        })
    }

    /// The values of a parameter that may be there several times, each read by `parse`; `None` where
    /// one is faulty.
    pub(crate) fn several<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let is_faulty = self.known.iter().any(|it| it == name);
        self.known.push(Cow::Borrowed(name));
        let values = self.pairs.iter().filter(|(it, _)| it == name);
        let read: Result<Vec<T>, E> = values.map(|(_, text)| parse(text)).collect();
        match read {
            Ok(values) => (!is_faulty).then_some(values),
            Err(error) => {
                self.fault(name, error.to_string());
                None
            }
        }
    }

    /// The parameters whose name is `prefix` and a key, by key, each checked by `check`; `None`
    /// where one is faulty.
    pub(crate) fn keyed<E: Display>(
        &mut self,
        prefix: &str,
        check: impl Fn(&str, &str) -> Result<(), E>,
    ) -> Option<BTreeMap<String, String>> {
        let mut read = BTreeMap::new();
        let mut faults = Vec::new();
        for (name, value) in &self.pairs {
            let Some(key) = name.strip_prefix(prefix) else {
                continue;
            };
            self.known.push(name.clone());
            if let Err(error) = check(key, value) {
                faults.push((name.clone(), error.to_string()));
            } else if read.insert(key.to_owned(), value.to_string()).is_some() {
                faults.push((name.clone(), "must be there once".to_owned()));
            }
        }
        let is_sound = faults.is_empty();
        for (name, detail) in faults {
            self.fault(&name, detail);
        }
        is_sound.then_some(read)
    }

    /// Returns the result of `build`, or the faults. `build` returns `None` only if a parameter had
    /// a fault.
    pub(crate) fn finish<T>(mut self, build: impl FnOnce() -> Option<T>) -> Result<T, Faults> {
        let mut unknown: Vec<_> = self.pairs.iter().map(|(name, _)| name.clone()).collect();
        unknown.retain(|name| !self.known.contains(name));
        unknown.sort_unstable();
        unknown.dedup();
        for name in unknown {
            self.fault(&name, "is not a known parameter");
        }
        self.faults.or(()).and_then(|()| {
            // without faults every parameter was read
            build().ok_or_else(|| Faults::one(Fault::new("", "is not complete")))
        })
    }

    fn fault(&mut self, name: &str, detail: impl Into<String>) {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        self.faults.add(Faults::one(Fault::new(pointer, detail)));
    }
}

/// Parses a number in digits, as in JSON.
fn digits(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    (plain && !leading_zero)
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<(u64, u64), Vec<(String, String)>> {
        let mut query = Query::of(query);
        let after = query.integer("after", 7, 0, 100);
        let limit = query.integer("limit", 10, 1, 20);
        query
            .finish(|| Some((after?, limit?)))
            .map_err(|faults| faults.as_slice().iter().map(Fault::parts).collect())
    }

    #[test]
    fn what_is_absent_has_its_default_and_order_does_not_matter() {
        for (query, read_as) in [
            ("", (7, 10)),
            ("after=0", (0, 10)),
            ("limit=20&after=100", (100, 20)),
            ("&&after=5&", (5, 10)),
            ("aft%65r=%35", (5, 10)),
        ] {
            assert_eq!(read(query), Ok(read_as), "{query}");
        }
    }

    #[test]
    fn a_number_has_one_spelling() {
        for bad in [
            "",
            "+5",
            "-0",
            "05",
            "00",
            "5.0",
            "5e0",
            "0x5",
            "%2B5",
            "+5",
            "%205",
            "5%20",
            "five",
            "5,6",
            "\u{665}",
            "101",
            "18446744073709551615",
            "18446744073709551616",
            "99999999999999999999999",
        ] {
            let fault = ("/after", "must be an integer from 0 to 100");
            let result = read(&format!("after={bad}"));
            let fault = (fault.0.to_owned(), fault.1.to_owned());
            assert_eq!(result, Err(vec![fault]), "{bad}");
        }
    }

    #[test]
    fn all_faults_are_reported_at_once_and_an_unknown_name_once() {
        let result =
            read("limit=0&x=1&after=5&aft%65r=5&x&Limit=3&a~%2Fb=&=4&bad=%f&worse=%FF&%zz=1");
        let fault = |pointer: &str, detail: &str| (pointer.to_owned(), detail.to_owned());
        let unknown = "is not a known parameter";
        assert_eq!(
            result,
            Err(vec![
                fault("/bad", "must be percent-encoded UTF-8"),
                fault("/worse", "must be percent-encoded UTF-8"),
                fault("/%zz", "must be percent-encoded UTF-8"),
                fault("/after", "must be there once"),
                fault("/limit", "must be an integer from 1 to 20"),
                fault("/", unknown),
                fault("/Limit", unknown),
                fault("/a~0~1b", unknown),
                fault("/x", unknown),
            ])
        );
    }
}
