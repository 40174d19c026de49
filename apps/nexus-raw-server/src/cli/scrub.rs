//! The `scrub` command.

use std::{
    io,
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

use clap::Args;
use nexus_raw::tenancy::{TenantId, UserId};
use nexus_raw_config::Settings;
use nexus_raw_upkeep::{reconcile::ReportFormat, scrub::ScrubBudget};

use crate::{
    app::{self, Failure, ScrubTask},
    logging,
};

#[derive(Debug, Args)]
pub(super) struct ScrubOptions {
    /// The user in the events: who runs it.
    #[arg(long = "as", value_name = "USER")]
    user: UserId,
    /// Read only this tenant.
    #[arg(long, value_name = "TENANT_ID")]
    tenant: Option<TenantId>,
    /// Read only what was not verified for so many days, by its registration or since.
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    older_than: u32,
    /// The most bytes of objects to read in a second.
    #[arg(long, value_name = "N", default_value = "20971520")]
    bytes_per_second: NonZeroU64,
    /// The most requests for objects in a second.
    #[arg(long, value_name = "N", default_value = "20")]
    requests_per_second: NonZeroU32,
    /// Begin no object after this time. The next call goes on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_seconds: Option<u64>,
    /// Print one JSON object per line: each asset that is not intact, then the summary.
    #[arg(long)]
    json: bool,
}

/// Returns whether an operator has to act.
pub(super) fn run(options: ScrubOptions, settings: &Settings) -> Result<bool, Failure> {
    let logging = logging::start(&settings.log).map_err(Failure::Output)?;
    let days = u64::from(options.older_than);
    let task = ScrubTask {
        user: options.user,
        tenant: options.tenant,
        older_than: Duration::from_secs(days * 24 * 60 * 60),
        budget: ScrubBudget {
            bytes_per_second: options.bytes_per_second,
            requests_per_second: options.requests_per_second,
        },
        max_time: options.max_seconds.map(Duration::from_secs),
        format: if options.json {
            ReportFormat::JsonLines
        } else {
            ReportFormat::Text
        },
    };
    // each line is written when it is found
    app::scrub(settings, &task, logging.log(), &mut io::stdout())
}
