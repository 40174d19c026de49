use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};
use secrecy::SecretString;

use crate::settings::{Given, Sources};

/// The address of the service, and the caller.
#[derive(Debug)]
pub(crate) struct ServiceArgs {
    pub(crate) sources: Sources,
    pub(crate) retries: u8,
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
        let sources = Sources {
            config: options.config,
            server: given(matches, "server", options.server),
            tenant: given(matches, "tenant", options.tenant),
            env: given(matches, "env", options.env),
            token: given(matches, "token", options.token),
            token_file: options.token_file,
            allow_plain_http: options.allow_plain_http,
        };
        let retries = options.retries;
        Ok(Self { sources, retries })
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
