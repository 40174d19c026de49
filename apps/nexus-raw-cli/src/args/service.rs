use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};
use secrecy::SecretString;

/// The address of the service, and the caller. Texts are kept as given, with their sources:
/// [`crate::settings`] completes them from the profile, and reports all faults at once.
#[derive(Debug)]
pub(crate) struct ServiceArgs {
    pub(crate) config: Option<PathBuf>,
    pub(crate) server: Option<Given<String>>,
    pub(crate) tenant: Option<Given<String>>,
    pub(crate) env: Option<Given<String>>,
    pub(crate) token: Option<Given<SecretString>>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) retries: u8,
    pub(crate) allow_plain_http: bool,
}

/// A value of the command line.
#[derive(Debug, Clone)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    /// The option is absent: the value is that of its variable.
    pub(crate) is_variable: bool,
}

/// What clap parses.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
struct ServiceOptions {
    #[arg(
        long,
        env = "NEXUS_RAW_SERVER",
        value_name = "URL",
        help = "URL of the service [default: http://127.0.0.1:8080]"
    )]
    server: Option<String>,
    /// Tenant of the assets
    #[arg(long, env = "NEXUS_RAW_TENANT")]
    tenant: Option<String>,
    /// Environment, such as dev
    #[arg(long, env = "NEXUS_RAW_ENV")]
    env: Option<String>,
    /// Token; prefer the variable or --token-file, since arguments are visible to other users
    #[arg(long, env = "NEXUS_RAW_TOKEN", hide_env_values = true)]
    token: Option<SecretString>,
    /// File that contains only the token; overrides --token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[arg(
        long,
        env = "NEXUS_RAW_CONFIG",
        value_name = "FILE",
        help = "Profile, with server, tenant, env and token_file [default: ~/.config/nexus-raw/config.toml]"
    )]
    config: Option<PathBuf>,
    /// Maximum number of retries of a request without an answer
    #[arg(long, env = "NEXUS_RAW_RETRIES", value_name = "N", default_value_t = 4)]
    retries: u8,
    /// Allow plain http to another machine, which exposes the token to the network
    #[arg(long, env = "NEXUS_RAW_ALLOW_PLAIN_HTTP")]
    allow_plain_http: bool,
}

impl Args for ServiceArgs {
    fn augment_args(command: Command) -> Command {
        ServiceOptions::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        ServiceOptions::augment_args_for_update(command)
    }
}

impl FromArgMatches for ServiceArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let options = ServiceOptions::from_arg_matches(matches)?;
        Ok(Self {
            config: options.config,
            server: given(matches, "server", options.server),
            tenant: given(matches, "tenant", options.tenant),
            env: given(matches, "env", options.env),
            token: given(matches, "token", options.token),
            token_file: options.token_file,
            retries: options.retries,
            allow_plain_http: options.allow_plain_http,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn given<T>(matches: &ArgMatches, id: &str, value: Option<T>) -> Option<Given<T>> {
    let is_variable = matches.value_source(id) == Some(ValueSource::EnvVariable);
    value.map(|value| Given { value, is_variable })
}
