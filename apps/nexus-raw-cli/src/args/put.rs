//! Options of `put`.

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::Args;

use crate::metadata::ExifZone;

use super::{ProvenanceArgs, ServiceArgs, values::threshold};

/// `put`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option without a value"
)]
pub(crate) struct PutArgs {
    /// Files and directories to store, or - for standard input, which needs --filename
    #[arg(value_name = "PATH", required_unless_present = "files_from")]
    pub(crate) paths: Vec<PathBuf>,
    /// File with the paths to store, one per line, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) files_from: Option<PathBuf>,
    /// Of directories, store only files that match, such as '*.mp4' or 'day1/**'; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,
    /// Of directories, leave out files and directories that match; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Store the hidden files of directories, too
    #[arg(long)]
    pub(crate) hidden: bool,
    /// File name to store, if different; only for one file
    #[arg(long)]
    pub(crate) filename: Option<String>,
    /// Media type, if not determined by the content and the name
    #[arg(long, visible_alias = "type", value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// Refuse names that are not in Unicode Normalization Form C, instead of composing them
    #[arg(long)]
    pub(crate) strict_names: bool,
    /// Do not read time and place of photographs from their Exif
    #[arg(long)]
    pub(crate) no_exif: bool,
    /// Time zone of times of Exif without a UTC offset, such as Europe/Berlin or +02:00; without
    /// it, that of this machine
    #[arg(long, value_name = "ZONE", value_parser = ExifZone::parse)]
    pub(crate) exif_zone: Option<ExifZone>,
    #[command(flatten)]
    pub(crate) provenance: ProvenanceArgs,
    /// Store files again that are registered already
    #[arg(long)]
    pub(crate) again: bool,
    /// Print what would be done, and send nothing to the store
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Size from which a file is uploaded in parts, such as 64MiB
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = threshold)]
    pub(crate) part_threshold: ByteSize,
    /// Maximum number of uploads at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) concurrency: u8,
    /// Time after which a store that takes nothing and answers nothing is given up on
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) silence_seconds: u16,
    /// Maximum time to wait for a service that is away when an upload is to be registered, or that
    /// hashes it before
    #[arg(
        long,
        env = "NEXUS_RAW_WAIT_SECONDS",
        value_name = "SECONDS",
        default_value_t = 900
    )]
    pub(crate) wait_seconds: u16,
    /// Print no plan, progress, notes and summary
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Print no progress
    #[arg(long)]
    pub(crate) no_progress: bool,
    /// Print the record of each file as returned by the service, one per line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}
