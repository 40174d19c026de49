//! The command line. Values are parsed into the types of the domain, so that invalid ones are
//! reported before anything is read or sent.

mod fact;
mod lineage;
mod ls;
mod provenance;
mod put;
mod register;
mod service;
mod time;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use nexus_raw::{
    asset::AssetId,
    tenancy::{Role, TenantId, UserId},
};

use self::values::{asset, label, role, sequence};
pub(crate) use self::{
    fact::{FactArgs, FactsArgs},
    lineage::{LineageArgs, Relatives},
    ls::ListArgs,
    provenance::ProvenanceArgs,
    put::PutArgs,
    register::{AbortArgs, RegisterArgs},
    service::ServiceArgs,
    time::Time,
};
use crate::exit;

/// Stores and verifies raw assets, reads their records, events and lineage, and states facts of them
#[derive(Debug, Parser)]
#[command(name = "nexus-raw", version, after_help = exit::HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Upload files and directories, and register each file
    Put(Box<PutArgs>),
    /// Download assets, each checked against its record
    Get(GetArgs),
    /// List registered assets, newest first
    Ls(Box<ListArgs>),
    /// Print the record of a registered asset
    Show(ReadArgs),
    /// Have the service read an asset's object again, and compare it with its record
    Verify(VerifyArgs),
    /// Print the events of an asset, or of the tenant and environment, in order
    Events(EventsArgs),
    /// State a fact of an asset, whose record never changes
    ///
    /// States exactly one: --train-ok, --pii-flag, --label, --license, --rights-holder, --scan or
    /// --c2pa, or its --no- form. Nothing is written if the same was stated last.
    Fact(Box<FactArgs>),
    /// Print what was stated of an asset, and what is in force
    Facts(FactsArgs),
    /// Print from which assets an asset was derived, and what was derived from it
    Lineage(LineageArgs),
    /// Register what was uploaded already
    ///
    /// For an upload whose registration was interrupted, or that another program made. The same
    /// registration may be repeated: it returns the same record.
    Register(Box<RegisterArgs>),
    /// Abort an upload in parts, and remove its parts from the store
    ///
    /// May be repeated. The asset can never be registered afterwards.
    Abort(AbortArgs),
    /// Print the service, the caller, where each setting came from, and whether the token is accepted
    ///
    /// The user, the roles and the end of the token are what the token itself says: they are decoded
    /// without verification. The token is accepted if the service answers a read with it.
    Whoami(WhoamiArgs),
    /// Print a token for a server in embedded mode on this machine
    Token(TokenArgs),
    /// Print a completion script for a shell
    Completions {
        /// Shell
        shell: Shell,
    },
    /// Print the manual page of the command, or of one of its commands
    Man {
        /// Command whose page is printed, such as put
        #[arg(value_name = "COMMAND")]
        of: Option<String>,
    },
}

impl Command {
    /// Returns what the user should know of the options before anything is sent.
    pub(crate) fn notes(&self) -> Vec<String> {
        let notes = match self {
            Self::Put(args) if args.quiet => vec![],
            Self::Put(args) => args.provenance.notes(),
            Self::Register(args) => args.provenance.notes(),
            Self::Ls(args) => args.notes(),
            Self::Fact(args) => return args.scan_note().into_iter().collect(),
            _ => vec![],
        };
        notes.iter().map(ToString::to_string).collect()
    }
}

/// `get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// Assets, by their ids or their URIs
    #[arg(required = true, value_name = "ID", value_parser = asset)]
    pub(crate) ids: Vec<AssetId>,
    /// File to write, a directory, or - for standard output; without it, the asset's file name in
    /// the current directory. For several assets a directory
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Replace existing files
    #[arg(long)]
    pub(crate) force: bool,
    /// Maximum number of downloads at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) concurrency: u8,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// `events`.
#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = true, args = ["id", "after", "follow"])]
pub(crate) struct EventsArgs {
    /// Asset, by its id or its URI; without it, all assets of the tenant and environment
    #[arg(value_parser = asset, conflicts_with_all = ["after", "follow"])]
    pub(crate) id: Option<AssetId>,
    /// Print the events of all assets after this sequence number; 0 for all
    #[arg(long, value_name = "SEQUENCE", value_parser = sequence())]
    pub(crate) after: Option<u64>,
    /// Wait for new events and print each as it arrives
    #[arg(long)]
    pub(crate) follow: bool,
    /// Print the service's JSON: unchanged for one asset, one event per line for all assets
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// `show`.
#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    /// Asset, by its id or its URI
    #[arg(value_parser = asset)]
    pub(crate) id: AssetId,
    /// Print the service's JSON, unchanged
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Asset, by its id or its URI
    #[arg(value_parser = asset)]
    pub(crate) id: AssetId,
    /// File to compare with the record, before the service reads anything
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// Maximum time to wait while the service reads the object
    #[arg(
        long,
        env = "NEXUS_RAW_WAIT_SECONDS",
        value_name = "SECONDS",
        default_value_t = 900
    )]
    pub(crate) wait_seconds: u16,
    /// Print the service's JSON, unchanged
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// `whoami`.
#[derive(Debug, Args)]
pub(crate) struct WhoamiArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// `token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// Data directory of the server
    #[arg(long, value_name = "DIR", default_value = ".nexus-raw")]
    pub(crate) data_dir: PathBuf,
    /// Tenant of the user
    #[arg(long, value_parser = TenantId::parse)]
    pub(crate) tenant: TenantId,
    /// Role in the tenant: owner, admin, member or viewer
    #[arg(long, value_parser = role)]
    pub(crate) role: Role,
    /// User
    #[arg(long, default_value = "u_demo", value_parser = UserId::parse)]
    pub(crate) user: UserId,
    /// Lifetime of the token in seconds: 1 to 86400
    #[arg(long, default_value_t = 3600)]
    pub(crate) ttl_seconds: u32,
}
