use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};

use super::{
    faults::FaultLines,
    row::{RawRow, RawStatement},
};

/// A line. A member that is absent or null states nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRow {
    key: Option<String>,
    filename: Option<String>,
    content_type: Option<String>,
    captured_at: Option<String>,
    derived_from: Option<Vec<String>>,
    activity: Option<String>,
    pii_flags: Option<Vec<String>>,
    train_ok: Option<bool>,
    labels: Option<Pairs>,
}

/// The members of an object in their order, repeated ones too.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object of texts")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        from.deserialize_map(PairsVisitor)
    }
}

/// Reads a JSON object from each line that is not blank.
pub(super) fn rows(text: &[u8], faults: &mut FaultLines) -> Vec<RawRow> {
    let mut rows = Vec::new();
    for (number, line) in (1_u64..).zip(text.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<JsonRow>(line) {
            Ok(row) => rows.push(RawRow {
                line: number,
                key: row.key,
                stated: RawStatement {
                    filename: row.filename,
                    content_type: row.content_type,
                    captured_at: row.captured_at,
                    derived_from: row.derived_from.unwrap_or_default(),
                    activity: row.activity,
                    pii_flags: row.pii_flags.unwrap_or_default(),
                    train_ok: row.train_ok,
                    labels: row.labels.map(|it| it.0).unwrap_or_default(),
                },
            }),
            // its own place is within the line
            Err(error) => faults.add(number, format!("{error}").replace(" at line 1", "")),
        }
    }
    rows
}
