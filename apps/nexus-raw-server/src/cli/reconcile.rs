//! The `reconcile` command.

use std::{
    io::{self, BufWriter},
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use nexus_raw::tenancy::{TenantId, UserId};
use nexus_raw_config::Settings;
use nexus_raw_upkeep::reconcile::ReportFormat;

use crate::{
    app::{self, Failure, ReconcileTask},
    logging,
};

#[derive(Debug, Args)]
pub(super) struct ReconcileOptions {
    /// Compare only this tenant.
    #[arg(long, value_name = "TENANT_ID")]
    tenant: Option<TenantId>,
    /// Write to the catalogue what the bucket shows: an intent of each object that has none, so that it
    /// can be registered, and the end of intents that have ended without an object. On SQLite stop the
    /// server first.
    #[arg(long, requires = "user")]
    adopt: bool,
    /// The user in the adopted intents and their events: who runs it.
    #[arg(long = "as", value_name = "USER", requires = "adopt")]
    user: Option<UserId>,
    /// Print one JSON object per line: each difference, then the summary.
    #[arg(long)]
    json: bool,
    /// Pause after this time, with exit code 75. The next call goes on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_seconds: Option<u64>,
    /// Take the list of objects from a report of S3 Inventory in CSV: its manifest.json on this machine.
    #[arg(long, value_name = "FILE", value_parser = local_file)]
    inventory: Option<PathBuf>,
    /// The work file, by which a call goes on where the last one ended [default: reconcile.work in the
    /// directory of the SQLite catalogue, or else in the working directory].
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Keep the work file after the report. The next call then prints the same report.
    #[arg(long)]
    keep_state: bool,
}

fn local_file(path: &str) -> Result<PathBuf, &'static str> {
    if path.starts_with("s3://") {
        return Err("copy the whole report to this machine first: aws s3 cp --recursive");
    }
    Ok(path.into())
}

/// Returns whether bucket and catalogue differ.
pub(super) fn run(options: ReconcileOptions, settings: &Settings) -> Result<bool, Failure> {
    let task = ReconcileTask {
        tenant: options.tenant,
        adopt_as: options.user,
        max_time: options.max_seconds.map(Duration::from_secs),
        inventory: options.inventory,
        work_file: options.state,
        keeps_work_file: options.keep_state,
        format: if options.json {
            ReportFormat::JsonLines
        } else {
            ReportFormat::Text
        },
    };
    let logging = logging::start(&settings.log).map_err(Failure::Output)?;
    let mut out = BufWriter::new(io::stdout().lock());
    app::reconcile(settings, &task, logging.log(), &mut out)
}
