//! The commands that read the catalogue beside the servers that use it.

use std::{
    cell::RefCell,
    io::{self, Write},
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use clap::Subcommand;
use nexus_raw_catalog_sql::{BackupReport, CatalogDifference, CheckedScope, MigrationPlan};
use nexus_raw_config::Settings;
use serde_json::json;

use crate::app::{self, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum CatalogueCommand {
    /// Back up a SQLite catalogue into FILE, which must not exist. A running server is not disturbed.
    /// The copy is of one moment, checked and flushed before it gets its name.
    Backup {
        /// The file of the backup, for its owner alone.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Recompute from the events all that the catalogue derives from them, and print each difference:
    /// exit code 0 if there is none, otherwise 1. Servers may keep running.
    CheckCatalogue {
        /// Print one JSON object per line; the last one has the totals.
        #[arg(long)]
        json: bool,
    },
}

/// Returns whether there are differences.
pub(super) fn run(command: CatalogueCommand, settings: &Settings) -> Result<bool, Failure> {
    match command {
        CatalogueCommand::Backup { file } => {
            let report = app::backup(settings, &file)?;
            let BackupReport {
                bytes,
                scopes,
                assets,
                events,
                ..
            } = report;
            let mut out = io::stdout();
            writeln!(
                out,
                "{}: {bytes} bytes, {scopes} scopes, {assets} assets, {events} events",
                file.display()
            )
            .map_err(Failure::Output)?;
            Ok(false)
        }
        CatalogueCommand::CheckCatalogue { json } => check(settings, json, io::stdout()),
    }
}

/// The totals of a check.
#[derive(Debug, Default)]
struct CheckTotals {
    scopes: u64,
    intents: u64,
    records: u64,
    events: u64,
    changing_consent: u64,
    differences: u64,
}

impl CheckTotals {
    fn add(&mut self, scope: CheckedScope) {
        self.scopes += 1;
        self.intents += scope.intents;
        self.records += scope.records;
        self.events += scope.events;
        self.changing_consent += u64::from(scope.changes_consent);
    }

    fn write(&self, out: &mut impl Write, json: bool) -> io::Result<()> {
        if json {
            let totals = json!({
                "scopes": self.scopes,
                "intents": self.intents,
                "records": self.records,
                "events": self.events,
                "scopes_changing_consent": self.changing_consent,
                "differences": self.differences,
            });
            return writeln!(out, "{totals}");
        }
        writeln!(
            out,
            "checked {} scopes, {} intents, {} records, {} events: {} differences",
            self.scopes, self.intents, self.records, self.events, self.differences
        )?;
        if self.changing_consent > 0 {
            writeln!(
                out,
                "in {} scopes a change of consent was on its way to descendants: whether each may be used \
                 for training is only compared completely after it",
                self.changing_consent
            )?;
        }
        Ok(())
    }
}

fn write_difference(
    out: &mut impl Write,
    difference: &CatalogDifference,
    json: bool,
) -> io::Result<()> {
    if !json {
        return writeln!(out, "{difference}");
    }
    let line = json!({
        "tenant_id": difference.scope.tenant,
        "env": difference.scope.environment,
        "asset_id": difference.asset_id,
        "sequence": difference.sequence,
        "place": difference.place,
        "difference": difference.kind.as_str(),
    });
    writeln!(out, "{line}")
}

/// Prints differences as they are found. After the first line that cannot be written the check ends
/// with its scope.
fn check(settings: &Settings, json: bool, out: impl Write + Send) -> Result<bool, Failure> {
    struct Printed<W> {
        out: W,
        differences: u64,
        failed: Option<io::Error>,
    }
    let printed = Mutex::new(Printed {
        out,
        differences: 0,
        failed: None,
    });
    let totals = RefCell::new(CheckTotals::default());
    let mut report = |difference: CatalogDifference| {
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        printed.differences += 1;
        if printed.failed.is_none() {
            printed.failed = write_difference(&mut printed.out, &difference, json).err();
        }
    };
    let mut checked = |_: &_, scope| {
        totals.borrow_mut().add(scope);
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        printed
            .failed
            .take()
            .map_or(Ok(()), |error| Err(Failure::Output(error)))
    };
    app::check_catalogue(settings, &mut report, &mut checked)?;
    let Printed {
        mut out,
        differences,
        ..
    } = printed.into_inner().unwrap_or_else(PoisonError::into_inner);
    let totals = CheckTotals {
        differences,
        ..totals.into_inner()
    };
    totals.write(&mut out, json).map_err(Failure::Output)?;
    Ok(differences > 0)
}

/// Prints what a migration would do.
pub(super) fn write_plan(out: &mut impl Write, plan: &MigrationPlan) -> io::Result<()> {
    if plan.is_empty() {
        return writeln!(out, "the catalogue's schema is up to date: nothing to do");
    }
    for it in &plan.migrations {
        writeln!(
            out,
            "would apply migration {}: {}",
            it.version, it.description
        )?;
    }
    for it in &plan.functions {
        let (name, reason) = (it.name, it.reason.as_str());
        writeln!(out, "would create the function {name}, which {reason}")?;
    }
    writeln!(out, "nothing was changed")
}
