use std::path::PathBuf;

use clap::Args;
use nexus_raw::asset::{AssetId, Sha256Digest};

use super::{ProvenanceArgs, ServiceArgs, values::asset};

/// `register`.
#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// Asset that was uploaded, by its id or its URI
    #[arg(value_parser = asset)]
    pub(crate) id: AssetId,
    /// SHA-256 of the whole content; required for an upload in parts that was declared without it,
    /// otherwise compared with the declared one
    #[arg(long, value_name = "DIGEST", value_parser = Sha256Digest::parse)]
    pub(crate) sha256: Option<Sha256Digest>,
    /// File with the content, of which only the SHA-256 is sent
    #[arg(long, conflicts_with = "sha256")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) provenance: ProvenanceArgs,
    /// Maximum time to wait for a service that hashes the upload, or puts its parts together
    #[arg(
        long,
        env = "NEXUS_RAW_WAIT_SECONDS",
        value_name = "SECONDS",
        default_value_t = 900
    )]
    pub(crate) wait_seconds: u16,
    /// Print the record as returned by the service
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// `abort`.
#[derive(Debug, Args)]
pub(crate) struct AbortArgs {
    /// Asset whose upload is aborted, by its id or its URI
    #[arg(value_parser = asset)]
    pub(crate) id: AssetId,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}
