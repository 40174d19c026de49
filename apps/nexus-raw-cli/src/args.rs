//! The command line. Values are parsed into the types of the domain at once: what would be refused
//! at registration is told before anything is read or sent.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::RangedU64ValueParser};
use clap_complete::Shell;
use nexus_raw::{
    asset::{
        Activity, AssetId, CaptureLocation, CaptureLocationError, CapturedAt, PiiFlag, SourceUri,
    },
    tenancy::{Environment, Role, TenantId, UserId},
    time::TimestampError,
};
use secrecy::SecretString;
use url::Url;

use crate::exit;

/// Stores raw assets and reads what is known of them.
#[derive(Debug, Parser)]
#[command(name = "nexus-raw", version, after_help = exit::HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Upload a file and register it
    Put(Box<PutArgs>),
    /// Print the record of a registered asset
    Show(ReadArgs),
    /// Print what happened to an asset, or in the tenant and environment, in order
    Events(EventsArgs),
    /// Print a token for a server in embedded mode on this machine
    Token(TokenArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Where the service is, and on whose behalf it is called.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub(crate) struct ServiceArgs {
    /// Where the service is
    #[arg(
        long,
        env = "NEXUS_RAW_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) server: Url,
    /// The tenant whose assets are meant
    #[arg(long, env = "NEXUS_RAW_TENANT", value_parser = TenantId::parse)]
    pub(crate) tenant: TenantId,
    /// The environment, such as dev
    #[arg(long, env = "NEXUS_RAW_ENV", value_parser = Environment::parse)]
    pub(crate) env: Environment,
    /// The token; better by the variable or --token-file, since others see arguments
    #[arg(
        long,
        env = "NEXUS_RAW_TOKEN",
        hide_env_values = true,
        required_unless_present = "token_file"
    )]
    pub(crate) token: Option<SecretString>,
    /// A file that holds the token and nothing else; wins over --token
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How often to try again what failed for want of an answer
    #[arg(long, env = "NEXUS_RAW_RETRIES", default_value_t = 4)]
    pub(crate) retries: u8,
    /// Send the token over plain http to another machine, where anyone on the way can read it
    #[arg(long, env = "NEXUS_RAW_ALLOW_PLAIN_HTTP")]
    pub(crate) allow_plain_http: bool,
}

/// `put`.
#[derive(Debug, Args)]
pub(crate) struct PutArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// The name to store it under, if not its own
    #[arg(long)]
    pub(crate) filename: Option<String>,
    /// Its media type, if the name does not tell
    #[arg(long)]
    pub(crate) content_type: Option<String>,
    /// When it was captured, such as 2008-10-22T16:28:39+02:00
    #[arg(long, value_name = "TIME", value_parser = captured_at)]
    pub(crate) captured_at: Option<String>,
    /// Where it was captured, in degrees north
    #[arg(long, requires = "longitude", allow_negative_numbers = true, value_parser = latitude)]
    pub(crate) latitude: Option<f64>,
    /// Where it was captured, in degrees east
    #[arg(long, requires = "latitude", allow_negative_numbers = true, value_parser = longitude)]
    pub(crate) longitude: Option<f64>,
    /// How high it was captured, in metres
    #[arg(long, requires = "latitude", allow_negative_numbers = true, value_parser = altitude)]
    pub(crate) altitude_m: Option<f64>,
    /// How accurate the place is, in metres
    #[arg(long, requires = "latitude", allow_negative_numbers = true, value_parser = accuracy)]
    pub(crate) accuracy_m: Option<f64>,
    /// A registered asset that it was made from; may be repeated
    #[arg(long, value_name = "ID", value_parser = AssetId::parse)]
    pub(crate) derived_from: Vec<AssetId>,
    /// Where it was taken from
    #[arg(long, value_name = "URI", value_parser = SourceUri::parse)]
    pub(crate) source_uri: Option<SourceUri>,
    /// What it was made by
    #[arg(long, value_parser = Activity::parse)]
    pub(crate) activity: Option<Activity>,
    /// A kind of personal data in it: email, phone, card, postal, name, face, location, health,
    /// biometric or other; may be repeated
    #[arg(long, value_name = "KIND", value_parser = PiiFlag::parse)]
    pub(crate) pii_flag: Vec<PiiFlag>,
    /// Allow training on it
    #[arg(long)]
    pub(crate) train_ok: bool,
    /// A label; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    pub(crate) label: Vec<(String, String)>,
    /// How long to wait where the service must hash the upload itself before it registers it
    #[arg(
        long,
        env = "NEXUS_RAW_WAIT_SECONDS",
        value_name = "SECONDS",
        default_value_t = 900
    )]
    pub(crate) wait_seconds: u16,
    /// Print the record as the service answers it
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// `events`.
#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = true, args = ["id", "after", "follow"])]
pub(crate) struct EventsArgs {
    /// The asset; without one, the events of all assets of the tenant and environment are meant
    #[arg(value_parser = AssetId::parse, conflicts_with_all = ["after", "follow"])]
    pub(crate) id: Option<AssetId>,
    /// Print the events of all assets after this place in their sequence; 0 for all
    #[arg(long, value_name = "SEQUENCE", value_parser = sequence())]
    pub(crate) after: Option<u64>,
    /// Wait for more, and print each as it comes
    #[arg(long)]
    pub(crate) follow: bool,
    /// Print what the service answers: of an asset byte for byte, of all assets one event a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// `show`.
#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    /// The asset
    #[arg(value_parser = AssetId::parse)]
    pub(crate) id: AssetId,
    /// Print what the service answers, byte for byte
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
}

/// `token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// The data directory of the server
    #[arg(long, value_name = "DIR", default_value = ".nexus-raw")]
    pub(crate) data_dir: PathBuf,
    /// The tenant of which the bearer is a member
    #[arg(long, value_parser = TenantId::parse)]
    pub(crate) tenant: TenantId,
    /// The role there: owner, admin, member or viewer
    #[arg(long, value_parser = role)]
    pub(crate) role: Role,
    /// Who the bearer is
    #[arg(long, default_value = "u_demo", value_parser = UserId::parse)]
    pub(crate) user: UserId,
    /// How long it is valid: 1 to 86400
    #[arg(long, default_value_t = 3600)]
    pub(crate) ttl_seconds: u32,
}

/// What the service takes for a sequence.
fn sequence() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(..=i64::MAX.unsigned_abs())
}

fn role(name: &str) -> Result<Role, String> {
    Role::from_name(name).ok_or_else(|| "must be owner, admin, member or viewer".to_owned())
}

/// Keeps the text, whose offset tells local time.
fn captured_at(text: &str) -> Result<String, TimestampError> {
    CapturedAt::parse(text).map(|_| text.to_owned())
}

fn latitude(text: &str) -> Result<f64, CaptureLocationError> {
    CaptureLocation::check_latitude(number(text))
}

fn longitude(text: &str) -> Result<f64, CaptureLocationError> {
    CaptureLocation::check_longitude(number(text))
}

fn altitude(text: &str) -> Result<f64, CaptureLocationError> {
    CaptureLocation::check_altitude(number(text))
}

fn accuracy(text: &str) -> Result<f64, CaptureLocationError> {
    CaptureLocation::check_accuracy(number(text))
}

/// What is no number is none of a place either.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn label(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "must be KEY=VALUE".to_owned())
}
