use std::{collections::BTreeMap, io::Write};

use nexus_raw::asset::AssetId;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    Escaped,
    fact::{FactView, in_words},
    pages::Pages,
    read,
    table::Table,
    text::{line, list_or, training},
};
use crate::failure::Failure;

/// The maximum number of assets that the service names as withholding one.
const MAX_WITHHELD_BY: usize = 100;

const HEAD: [&str; 5] = ["SEQUENCE", "STATED", "BY", "FACT", "VALUE"];

/// A writer of the facts of an asset, page by page, and of what is in force.
pub(crate) struct AssetFacts {
    asset_id: AssetId,
    facts: Pages<FactView>,
}

#[derive(Deserialize)]
struct FactsPage<'p> {
    #[serde(borrow)]
    facts: Vec<&'p RawValue>,
    in_force: &'p RawValue,
}

#[derive(Deserialize)]
struct InForceView {
    train_ok: bool,
    train_ok_effective: bool,
    withheld_by: Vec<String>,
    pii_flags: Vec<String>,
    labels: BTreeMap<String, String>,
    license: Value,
    rights_holder: Value,
    scan: Value,
    c2pa: Value,
}

impl AssetFacts {
    pub(crate) fn new(asset_id: AssetId, json: bool) -> Self {
        Self {
            asset_id,
            facts: Pages::new("facts", json),
        }
    }

    /// Returns the last added sequence number.
    pub(crate) fn last(&self) -> u64 {
        self.facts.last()
    }

    /// Adds a page and returns its number of facts.
    pub(crate) fn add(&mut self, out: &mut impl Write, page: &[u8]) -> Result<usize, Failure> {
        self.facts.add(out, &read::<FactsPage<'_>>(page)?.facts)
    }

    /// Writes the rest: the table, and what is in force by the last page.
    pub(crate) fn end(self, out: &mut impl Write, page: &[u8]) -> Result<(), Failure> {
        let in_force = read::<FactsPage<'_>>(page)?.in_force.get();
        let is_json = self.facts.is_json();
        let facts = self.facts.end(out, &format!(",\"in_force\":{in_force}"))?;
        if is_json {
            return Ok(());
        }
        let in_force: InForceView = read(in_force.as_bytes())?;
        write_table(out, &facts)?;
        write_in_force(out, self.asset_id, &in_force)
    }
}

/// Reason and evidence have lines of their own, since a value may have any words.
fn write_table(out: &mut impl Write, facts: &[FactView]) -> Result<(), Failure> {
    let rows: Vec<_> = facts.iter().map(FactView::row).collect();
    let mut table = Table::fitted(HEAD, &rows);
    for (fact, row) in facts.iter().zip(&rows) {
        table.row(out, row)?;
        let indent = HEAD[0].len();
        if let Some(reason) = &fact.reason {
            writeln!(out, "{:indent$}  reason    {}", "", Escaped(reason))?;
        }
        if let Some(digest) = &fact.evidence_sha256 {
            writeln!(out, "{:indent$}  evidence  sha256 {}", "", Escaped(digest))?;
        }
    }
    if !facts.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

fn write_in_force(
    out: &mut impl Write,
    asset_id: AssetId,
    in_force: &InForceView,
) -> Result<(), Failure> {
    writeln!(out, "in force")?;
    let training = training(in_force.train_ok, in_force.train_ok_effective);
    line(out, "training", training)?;
    for id in &in_force.withheld_by {
        let itself = if *id == asset_id.to_string() {
            ", this asset"
        } else {
            ""
        };
        line(out, "withheld by", &format_args!("{id}{itself}"))?;
    }
    if in_force.withheld_by.len() == MAX_WITHHELD_BY {
        line(out, "withheld by", "… and maybe more")?;
    }
    let flags = list_or(&in_force.pii_flags, "none stated");
    line(out, "personal data", &flags)?;
    for (key, value) in &in_force.labels {
        line(out, "label", &format_args!("{key}={value}"))?;
    }
    for (name, kind, value) in [
        ("license", "license", &in_force.license),
        ("rights holder", "rights_holder", &in_force.rights_holder),
        ("scan", "scan", &in_force.scan),
        ("c2pa", "c2pa", &in_force.c2pa),
    ] {
        if !value.is_null() {
            line(out, name, &in_words(kind, value))?;
        }
    }
    Ok(())
}

impl FactView {
    fn row(&self) -> [String; HEAD.len()] {
        [
            self.sequence.to_string(),
            self.stated_at.clone(),
            self.stated_by.clone(),
            self.kind.clone(),
            in_words(&self.kind, &self.value),
        ]
    }
}
