//! The `import` command.

use std::{io, num::NonZeroU16, path::PathBuf, time::Duration};

use clap::Args;
use nexus_raw::tenancy::{Environment, TenantId, UserId};
use nexus_raw_config::Settings;
use nexus_raw_storage_s3::ImportSource;
use nexus_raw_upkeep::{import::ManifestForm, reconcile::ReportFormat};

use crate::{
    app::{self, Failure, ImportTask},
    logging,
};

#[derive(Debug, Args)]
pub(super) struct ImportOptions {
    /// The objects to import: those with this prefix. The service's role must be allowed to list and
    /// read them; `iam-policy` prints how.
    #[arg(value_name = "s3://BUCKET/PREFIX")]
    source: ImportSource,
    /// The tenant of the assets.
    #[arg(long, value_name = "TENANT_ID")]
    tenant: TenantId,
    /// The environment of the assets, one of those that the service has.
    #[arg(long, value_name = "ENV")]
    env: Environment,
    /// The user in the records and events: who imports.
    #[arg(long = "as", value_name = "USER")]
    user: UserId,
    /// What is stated of the objects, by their keys: a .csv with a header, or JSON lines (.jsonl or
    /// .ndjson). Objects without a row are not imported.
    #[arg(long, value_name = "FILE", value_parser = manifest)]
    manifest: Option<PathBuf>,
    /// How many objects to import at once. Each may need 8 MiB of memory.
    #[arg(long, value_name = "N", default_value = "8")]
    concurrency: NonZeroU16,
    /// Begin no object after this time. The next call goes on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_seconds: Option<u64>,
    /// Print one JSON object per line: what became of each object, then the summary.
    #[arg(long)]
    json: bool,
}

fn manifest(path: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(path);
    match ManifestForm::of(&path) {
        Some(_) => Ok(path),
        None => Err("must end in .csv, .jsonl or .ndjson"),
    }
}

/// Returns whether an operator has to act.
pub(super) fn run(options: ImportOptions, settings: &Settings) -> Result<bool, Failure> {
    let logging = logging::start(&settings.log).map_err(Failure::Output)?;
    let task = ImportTask {
        source: options.source,
        tenant: options.tenant,
        environment: options.env,
        user: options.user,
        manifest: options.manifest,
        concurrency: options.concurrency,
        max_time: options.max_seconds.map(Duration::from_secs),
        format: if options.json {
            ReportFormat::JsonLines
        } else {
            ReportFormat::Text
        },
    };
    // each line is written when it is done
    app::import(settings, task, logging.log(), &mut io::stdout())
}
