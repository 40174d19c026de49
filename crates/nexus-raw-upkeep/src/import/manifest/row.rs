use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use nexus_raw::{
    asset::{
        Activity, AssetId, CapturedAt, ContentType, DerivedFrom, Filename, Labels, Lineage,
        PiiFlag, PiiFlags, Provenance,
    },
    time::Timestamp,
};

use super::faults::FaultLines;

/// What a manifest states of one object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::import) struct ManifestRow {
    /// Instead of the last segment of the key.
    pub(in crate::import) filename: Option<Filename>,
    /// Instead of what the source says.
    pub(in crate::import) content_type: Option<ContentType>,
    /// All but the source itself.
    pub(in crate::import) provenance: Provenance,
    /// Whether it says itself that models must not be trained on the object.
    pub(in crate::import) denies_training: bool,
}

/// A row as it is written.
#[derive(Debug, Default)]
pub(super) struct RawRow {
    pub(super) line: u64,
    pub(super) key: Option<String>,
    pub(super) stated: RawStatement,
}

/// What a row states, not yet parsed.
#[derive(Debug, Default)]
pub(super) struct RawStatement {
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) captured_at: Option<String>,
    pub(super) derived_from: Vec<String>,
    pub(super) activity: Option<String>,
    pub(super) pii_flags: Vec<String>,
    pub(super) train_ok: Option<bool>,
    pub(super) labels: Vec<(String, String)>,
}

impl RawStatement {
    /// Parses all fields, and adds each fault under the name of its field.
    pub(super) fn parse(self, line: u64, now: Timestamp, faults: &mut FaultLines) -> ManifestRow {
        let captured_at = field(line, "captured_at", self.captured_at, faults, |it| {
            CapturedAt::parse(it)
        });
        if captured_at.is_some_and(|it| it.is_ahead_of(now)) {
            faults.add(line, "captured_at: lies in the future");
        }
        let parents = each(line, "derived_from", &self.derived_from, faults, |it| {
            AssetId::from_str(it)
        });
        let flags = each(line, "pii_flags", &self.pii_flags, faults, |it| {
            PiiFlag::parse(it)
        });
        let derived_from = whole(line, "derived_from", DerivedFrom::parse(parents), faults);
        let pii_flags = whole(line, "pii_flags", PiiFlags::parse(flags), faults);
        let labels = labels(line, self.labels, faults);
        ManifestRow {
            filename: field(line, "filename", self.filename, faults, |it| {
                Filename::parse(it)
            }),
            content_type: field(line, "content_type", self.content_type, faults, |it| {
                ContentType::parse(it)
            }),
            provenance: Provenance {
                captured_at,
                capture_location: None,
                lineage: Lineage {
                    derived_from,
                    source_uri: None,
                    activity: field(line, "activity", self.activity, faults, |it| {
                        Activity::parse(it)
                    }),
                },
                pii_flags,
                train_ok: self.train_ok.unwrap_or_default(),
                labels,
            },
            denies_training: self.train_ok == Some(false),
        }
    }
}

fn field<T, E: Display>(
    line: u64,
    name: &str,
    text: Option<String>,
    faults: &mut FaultLines,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    match parse(&text?) {
        Ok(value) => Some(value),
        Err(error) => {
            faults.add(line, format!("{name}: {error}"));
            None
        }
    }
}

fn each<T, E: Display>(
    line: u64,
    name: &str,
    texts: &[String],
    faults: &mut FaultLines,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Vec<T> {
    let mut values = Vec::with_capacity(texts.len());
    for text in texts {
        match parse(text) {
            Ok(value) => values.push(value),
            Err(error) => faults.add(line, format!("{name}: {error}")),
        }
    }
    values
}

fn whole<T: Default, E: Display>(
    line: u64,
    name: &str,
    parsed: Result<T, E>,
    faults: &mut FaultLines,
) -> T {
    parsed.unwrap_or_else(|error| {
        faults.add(line, format!("{name}: {error}"));
        T::default()
    })
}

fn labels(line: u64, stated: Vec<(String, String)>, faults: &mut FaultLines) -> Labels {
    let mut labels = BTreeMap::new();
    for (key, value) in stated {
        let name = format!("label.{key}");
        if let Err(error) = Labels::check_label(&key, &value) {
            faults.add(line, format!("{}: {error}", name.escape_debug()));
        } else if labels.insert(key, value).is_some() {
            faults.add(line, format!("{name}: is there twice"));
        }
    }
    whole(line, "labels", Labels::parse(labels), faults)
}
