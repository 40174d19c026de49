use crate::http::respond::{Fault, Faults};

/// The parameters of a query, each read once, by name. Faults are collected, so that all are reported;
/// a parameter that was not read is a fault at the end.
///
/// Parameters are compared without percent-decoding, so that each has one spelling. A fault names its
/// parameter by a JSON pointer.
pub(crate) struct Query<'q> {
    pairs: Vec<(&'q str, &'q str)>,
    known: Vec<&'static str>,
    faults: Faults,
}

impl<'q> Query<'q> {
    pub(crate) fn of(query: &'q str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Self {
            pairs: pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .collect(),
            known: Vec::new(),
            faults: Faults::default(),
        }
    }

    /// Reads an integer from `least` to `most`, in digits without a sign or a leading zero; `default` if the
    /// parameter is absent.
    pub(crate) fn integer(
        &mut self,
        name: &'static str,
        default: u64,
        least: u64,
        most: u64,
    ) -> Option<u64> {
        self.known.push(name);
        let mut values = self.pairs.iter().filter(|(it, _)| *it == name);
        let Some((_, text)) = values.next() else {
            return Some(default);
        };
        if values.next().is_some() {
            self.fault(name, "must be there once");
            return None;
        }
        let number = digits(text).filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.fault(name, format!("must be an integer from {least} to {most}"));
        }
        number
    }

    /// Returns the result of `build`, or the faults. `build` returns `None` only if a parameter had a
    /// fault.
    pub(crate) fn finish<T>(mut self, build: impl FnOnce() -> Option<T>) -> Result<T, Faults> {
        let mut unknown: Vec<&str> = self.pairs.iter().map(|(name, _)| *name).collect();
        unknown.retain(|name| !self.known.contains(name));
        unknown.sort_unstable();
        unknown.dedup();
        for name in unknown {
            self.fault(name, "is not a known parameter");
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
            "%35",
            " 5",
            "5 ",
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
    fn every_fault_is_told_at_once_and_an_unknown_name_once() {
        let result = read("limit=0&x=1&after=5&after=5&x&Limit=3&a~/b=&=4&aft%65r=1");
        let fault = |pointer: &str, detail: &str| (pointer.to_owned(), detail.to_owned());
        let unknown = "is not a known parameter";
        assert_eq!(
            result,
            Err(vec![
                fault("/after", "must be there once"),
                fault("/limit", "must be an integer from 1 to 20"),
                fault("/", unknown),
                fault("/Limit", unknown),
                fault("/aft%65r", unknown),
                fault("/a~0~1b", unknown),
                fault("/x", unknown),
            ])
        );
    }
}
