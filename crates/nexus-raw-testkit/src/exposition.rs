//! A strict parser of the Prometheus text format (exposition format 0.0.4).

use std::collections::{BTreeMap, BTreeSet};

/// The labels of a series, by name.
pub type SeriesLabels = BTreeMap<String, String>;

/// The metrics of one scrape.
#[derive(Debug, Default)]
pub struct Exposition {
    kinds: BTreeMap<String, String>,
    series: BTreeMap<(String, SeriesLabels), f64>,
}

impl Exposition {
    /// Parses the text of a scrape.
    ///
    /// # Errors
    /// The fault and its line, if the text is invalid, a series is repeated, the name of a counter
    /// does not end in `_total`, or the buckets of a histogram do not add up.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.ends_with('\n') {
            return Err("the last line does not end".to_owned());
        }
        let mut read = Self::default();
        let mut family = Family::default();
        for line in text.lines() {
            let step = read.line(line, &mut family);
            step.map_err(|fault| format!("{fault}: {line}"))?;
        }
        for (name, kind) in &read.kinds {
            if kind == "histogram" {
                read.check_histogram(name)?;
            }
        }
        Ok(read)
    }

    /// Returns the kind of each metric, by its name.
    #[must_use]
    pub fn kinds(&self) -> &BTreeMap<String, String> {
        &self.kinds
    }

    /// Returns the value of the series with exactly these labels.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.series
            .get(&(name.to_owned(), labels.collect()))
            .copied()
    }

    /// Returns every series of a name, with its value.
    pub fn series<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = (&'a SeriesLabels, f64)> + 'a {
        let all = self.series.iter();
        let named = all.filter(move |((of, _), _)| of == name);
        named.map(|((_, labels), value)| (labels, *value))
    }

    /// Returns the names of the labels of a metric, except the bounds of buckets.
    #[must_use]
    pub fn label_names(&self, metric: &str) -> BTreeSet<String> {
        let of_metric = self.series.iter().filter(|((name, _), _)| {
            let ending = name.strip_prefix(metric);
            ending.is_some_and(|it| ["", "_bucket", "_sum", "_count"].contains(&it))
        });
        let names = of_metric.flat_map(|((_, labels), _)| labels.keys().cloned());
        names.filter(|name| name != "le").collect()
    }

    fn line(&mut self, line: &str, family: &mut Family) -> Result<(), String> {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').ok_or("no text")?;
            if text.is_empty() || !is_name(name) {
                return Err("no help".to_owned());
            }
            *family = Family::named(name);
            return Ok(());
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').ok_or("no kind")?;
            if family.name != name || !family.kind.is_empty() {
                return Err("a type that does not follow its help".to_owned());
            }
            if !["counter", "gauge", "histogram"].contains(&kind) {
                return Err("an unknown kind".to_owned());
            }
            if (kind == "counter") != name.ends_with("_total") {
                return Err("a counter is called `_total`, and nothing else".to_owned());
            }
            kind.clone_into(&mut family.kind);
            let known = self.kinds.insert(name.to_owned(), kind.to_owned());
            return known.map_or(Ok(()), |_| Err("a metric twice".to_owned()));
        }
        if line.starts_with('#') || line.is_empty() {
            return Err("a line of no use".to_owned());
        }
        let (name, labels, value) = sample(line)?;
        if !family.has(&name) {
            return Err("a series outside its metric".to_owned());
        }
        let known = self.series.insert((name, labels), value);
        known.map_or(Ok(()), |_| Err("a series twice".to_owned()))
    }

    fn check_histogram(&self, name: &str) -> Result<(), String> {
        let buckets = format!("{name}_bucket");
        let mut by_series: BTreeMap<SeriesLabels, Vec<(f64, f64)>> = BTreeMap::new();
        for (labels, count) in self.series(&buckets) {
            let mut labels = labels.clone();
            let bound = labels
                .remove("le")
                .ok_or(format!("{buckets} without `le`"))?;
            by_series
                .entry(labels)
                .or_default()
                .push((number(&bound)?, count));
        }
        for (labels, mut buckets) in by_series {
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            let counts = buckets.iter().map(|(_, count)| *count);
            let key = |ending: &str| (format!("{name}_{ending}"), labels.clone());
            let whole = self.series.get(&key("count")).copied();
            let last = buckets.last().copied();
            if !counts.is_sorted() || last != whole.map(|count| (f64::INFINITY, count)) {
                return Err(format!("the buckets of {name} {labels:?} do not add up"));
            }
            if !self.series.contains_key(&key("sum")) {
                return Err(format!("{name} {labels:?} has no sum"));
            }
        }
        Ok(())
    }
}

/// The metric of the current lines.
#[derive(Default)]
struct Family {
    name: String,
    kind: String,
}

impl Family {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: String::new(),
        }
    }

    fn has(&self, series: &str) -> bool {
        let endings: &[&str] = match self.kind.as_str() {
            "histogram" => &["_bucket", "_sum", "_count"],
            "" => &[],
            _ => &[""],
        };
        let ending = series.strip_prefix(self.name.as_str());
        ending.is_some_and(|it| endings.contains(&it))
    }
}

/// `name{label="value",…} number`.
fn sample(line: &str) -> Result<(String, SeriesLabels, f64), String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, mut rest) = line.split_at(end);
    if !is_name(name) {
        return Err("no name".to_owned());
    }
    let mut labels = SeriesLabels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").ok_or("no label")?;
            if !is_name(label) || label.contains(':') {
                return Err("no name of a label".to_owned());
            }
            let (value, after) = quoted(after)?;
            if labels.insert(label.to_owned(), value).is_some() {
                return Err("a label twice".to_owned());
            }
            match after.split_at_checked(1) {
                Some((",", after)) => rest = after,
                Some(("}", after)) => {
                    rest = after;
                    break;
                }
                _ => return Err("labels that do not end".to_owned()),
            }
        }
    }
    let value = rest.strip_prefix(' ').ok_or("no space")?;
    Ok((name.to_owned(), labels, number(value)?))
}

/// Returns a value up to its quotation mark, and the rest.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                _ => return Err("an unknown escape".to_owned()),
            },
            other => value.push(other),
        }
    }
    Err("a value that does not end".to_owned())
}

fn number(text: &str) -> Result<f64, String> {
    match text {
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        "NaN" => Ok(f64::NAN),
        _ if text.contains(|it: char| it.is_ascii_alphabetic() && it != 'e') => {
            Err(format!("no number: {text}"))
        }
        _ => text.parse().map_err(|_| format!("no number: {text}")),
    }
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
fn is_name(text: &str) -> bool {
    let rest = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == ':';
    text.starts_with(|it: char| rest(it) && !it.is_ascii_digit()) && text.chars().all(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
# HELP x_total Things.
# TYPE x_total counter
x_total{a=\"1\",b=\"q\\\"\\\\\\n\"} 3
x_total{a=\"2\",b=\"\"} 0
# HELP y A thing: {}.
# TYPE y gauge
y -1.5e-3
# HELP z_seconds Times.
# TYPE z_seconds histogram
z_seconds_sum 1.5
z_seconds_count 2
z_seconds_bucket{le=\"0.1\"} 0
z_seconds_bucket{le=\"1.0\"} 1
z_seconds_bucket{le=\"+Inf\"} 2
";

    #[test]
    fn what_the_format_allows_is_read() {
        let read = Exposition::parse(GOOD).unwrap();
        assert_eq!(
            read.value("x_total", &[("b", "q\"\\\n"), ("a", "1")]),
            Some(3.0)
        );
        assert_eq!(read.value("x_total", &[("a", "1")]), None);
        assert_eq!(read.value("y", &[]), Some(-0.0015));
        assert_eq!(read.series("z_seconds_bucket").count(), 3);
        let kinds: Vec<_> = read
            .kinds()
            .iter()
            .map(|(name, kind)| (&**name, &**kind))
            .collect();
        let expected = [
            ("x_total", "counter"),
            ("y", "gauge"),
            ("z_seconds", "histogram"),
        ];
        assert_eq!(kinds, expected);
        assert_eq!(
            read.label_names("x_total"),
            BTreeSet::from(["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(read.label_names("z_seconds"), BTreeSet::new());
    }

    #[test]
    fn what_it_does_not_allow_is_a_fault() {
        for (from, to) in [
            (
                "x_total{a=\"2\",b=\"\"} 0",
                "x_total{b=\"q\\\"\\\\\\n\",a=\"1\"} 0",
            ),
            ("# TYPE y gauge\n", ""),
            ("# HELP y A thing: {}.\n", ""),
            ("# TYPE y gauge", "# TYPE y counter"),
            ("# TYPE y gauge", "# TYPE x_total counter"),
            ("y -1.5e-3", "y"),
            ("y -1.5e-3", "y one"),
            ("y -1.5e-3", "y inf"),
            ("y -1.5e-3", "y{} 1"),
            ("y -1.5e-3", "y{a=1} 1"),
            ("y -1.5e-3", "y{a=\"1\",a=\"2\"} 1"),
            ("y -1.5e-3", "y{a=\"1} 1"),
            ("y -1.5e-3", "y{1a=\"1\"} 1"),
            ("y -1.5e-3", "yy 1"),
            ("y -1.5e-3", "y 1\n\n"),
            ("z_seconds_count 2", "z_seconds_count 3"),
            ("z_seconds_sum 1.5\n", ""),
            ("le=\"0.1\"} 0", "le=\"0.1\"} 2"),
            ("z_seconds_bucket{le=\"+Inf\"} 2\n", ""),
            (
                "z_seconds_bucket{le=\"+Inf\"} 2\n",
                "z_seconds_bucket{le=\"+Inf\"} 2",
            ),
        ] {
            let bad = GOOD.replacen(from, to, 1);
            assert_ne!(bad, GOOD, "{from}");
            assert!(Exposition::parse(&bad).is_err(), "{from} -> {to}");
        }
    }
}
