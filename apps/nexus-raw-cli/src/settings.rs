//! The service and the caller of a command, from its options, variables, profile and defaults, in
//! this order.

use std::{
    fmt::{self, Display},
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use nexus_raw::tenancy::{Environment, TenantId};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{
    address,
    failure::Failure,
    option_faults::OptionFaults,
    profile::{self, Entry, Profile},
    token_claims::MAX_TOKEN_BYTES,
};

const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// What options and variables say, as texts, so that the faults of all are reported at once.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) config: Option<PathBuf>,
    pub(crate) server: Option<Given<String>>,
    pub(crate) tenant: Option<Given<String>>,
    pub(crate) env: Option<Given<String>>,
    pub(crate) token: Option<Given<SecretString>>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) allow_plain_http: bool,
}

/// A value of the command line.
#[derive(Debug, Clone)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    /// The option is absent: the value is that of its variable.
    pub(crate) is_variable: bool,
}

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Option(&'static str),
    Variable(&'static str),
    Profile { path: PathBuf, line: usize },
    Default,
}

impl Origin {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Option(_) => "option",
            Self::Variable(_) => "variable",
            Self::Profile { .. } => "profile",
            Self::Default => "default",
        }
    }
}

impl Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) | Self::Variable(name) => out.write_str(name),
            Self::Profile { path, line } => write!(out, "{}, line {line}", path.display()),
            Self::Default => out.write_str("default"),
        }
    }
}

/// A setting, and where it came from.
#[derive(Debug)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// The service and the caller, complete and valid.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) server: Setting<Url>,
    pub(crate) tenant: Setting<TenantId>,
    pub(crate) env: Setting<Environment>,
    pub(crate) token: Setting<SecretString>,
    /// Where the token was read.
    pub(crate) token_file: Option<PathBuf>,
}

impl Settings {
    /// Completes the options. All that is missing or wrong is reported at once.
    pub(crate) fn resolve(sources: &Sources) -> Result<Self, Failure> {
        let path = sources.config.clone().or_else(profile::default_path);
        let profile = match &path {
            Some(path) => Profile::read(path, sources.config.is_some()),
            None => Ok(Profile::default()),
        };
        // what a wrong profile would have set cannot be called missing
        let profile = profile.map_err(Failure::Settings)?;
        let mut resolver = Resolver {
            path: path.unwrap_or_else(|| PathBuf::from("~/.config/nexus-raw/config.toml")),
            faults: OptionFaults::default(),
        };
        let default = address::parse(DEFAULT_SERVER).ok();
        let (given, entry) = (sources.server.as_ref(), profile.server);
        let server = resolver.pick(&SERVER, given, entry, address::parse, default);
        let server = server.and_then(|it| {
            let encrypted = address::check_encryption(&it.value, sources.allow_plain_http);
            resolver.faults.check(&it.origin, encrypted).map(|()| it)
        });
        let (given, entry) = (sources.tenant.as_ref(), profile.tenant);
        let tenant = resolver.pick(&TENANT, given, entry, TenantId::parse, None);
        let (given, entry) = (sources.env.as_ref(), profile.env);
        let env = resolver.pick(&ENV, given, entry, Environment::parse, None);
        let token_file = profile.token_file;
        let is_in_profile = sources.token_file.is_none() && sources.token.is_none();
        let path = token_file.as_ref().filter(|_| is_in_profile);
        let path = sources
            .token_file
            .as_ref()
            .or(path.map(|it| &it.value))
            .cloned();
        let token = resolver.token(sources, token_file);
        let complete = server.zip(tenant).zip(env.zip(token));
        let settings = complete.map(|((server, tenant), (env, token))| Self {
            server,
            tenant,
            env,
            token,
            token_file: path,
        });
        resolver.faults.finish(settings).map_err(Failure::Settings)
    }
}

/// The names of a setting.
struct Names {
    option: &'static str,
    variable: &'static str,
    key: &'static str,
}

const SERVER: Names = Names {
    option: "--server",
    variable: "NEXUS_RAW_SERVER",
    key: "server",
};

const TENANT: Names = Names {
    option: "--tenant",
    variable: "NEXUS_RAW_TENANT",
    key: "tenant",
};

const ENV: Names = Names {
    option: "--env",
    variable: "NEXUS_RAW_ENV",
    key: "env",
};

/// Picks each setting from its first source that has it.
struct Resolver {
    /// The profile, whether it is there or not.
    path: PathBuf,
    faults: OptionFaults,
}

impl Resolver {
    fn pick<T, E: Display>(
        &mut self,
        names: &Names,
        given: Option<&Given<String>>,
        entry: Option<Entry<T>>,
        parse: impl Fn(&str) -> Result<T, E>,
        default: Option<T>,
    ) -> Option<Setting<T>> {
        if let Some(given) = given {
            let origin = if given.is_variable {
                Origin::Variable(names.variable)
            } else {
                Origin::Option(names.option)
            };
            let value = self.faults.check(&origin, parse(&given.value))?;
            return Some(Setting { value, origin });
        }
        if let Some(Entry { value, line }) = entry {
            let origin = self.in_profile(line);
            return Some(Setting { value, origin });
        }
        if let Some(value) = default {
            let origin = Origin::Default;
            return Some(Setting { value, origin });
        }
        let path = self.path.display();
        let rule = format!(
            "is required; or set {}, or {} in {path}",
            names.variable, names.key
        );
        self.faults.check(names.option, Err(rule))
    }

    fn token(
        &mut self,
        sources: &Sources,
        entry: Option<Entry<PathBuf>>,
    ) -> Option<Setting<SecretString>> {
        let (token, origin) = if let Some(path) = &sources.token_file {
            let origin = Origin::Option("--token-file");
            (self.faults.check(&origin, token_in(path))?, origin)
        } else if let Some(Given { value, is_variable }) = &sources.token {
            let origin = if *is_variable {
                Origin::Variable("NEXUS_RAW_TOKEN")
            } else {
                Origin::Option("--token")
            };
            (value.clone(), origin)
        } else if let Some(Entry { value, line }) = entry {
            let origin = self.in_profile(line);
            let place = format!("{origin}, token_file");
            (self.faults.check(place, token_in(&value))?, origin)
        } else {
            let rule = format!(
                "is required; or set NEXUS_RAW_TOKEN, or token_file in {}; for a server in embedded mode on this machine nexus-raw token prints one",
                self.path.display()
            );
            return self.faults.check("--token-file", Err(rule));
        };
        // most often a variable from a failed command
        if token.expose_secret().trim_ascii().is_empty() {
            let rule = "is empty; use a file or a variable with a token, such as nexus-raw token prints in embedded mode";
            return self.faults.check(&origin, Err(rule));
        }
        if bearer(&token).is_none() {
            let rule = "has characters that no token has";
            return self.faults.check(&origin, Err(rule));
        }
        Some(Setting {
            value: token,
            origin,
        })
    }

    fn in_profile(&self, line: usize) -> Origin {
        let path = self.path.clone();
        Origin::Profile { path, line }
    }
}

/// Returns the value of the `Authorization` header, if the token can be one.
pub(crate) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let text = format!("Bearer {}", token.expose_secret());
    let mut bearer = HeaderValue::try_from(text).ok()?;
    bearer.set_sensitive(true);
    Some(bearer)
}

/// Reads a file that has only a token; a pipe of a shell is one, too.
pub(crate) fn token_in(path: &Path) -> Result<SecretString, String> {
    let limit = MAX_TOKEN_BYTES as u64 + 2;
    let mut text = String::new();
    let read = File::open(path).and_then(|it| it.take(limit + 1).read_to_string(&mut text));
    read.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if text.len() as u64 > limit {
        let path = path.display();
        return Err(format!("{path} is too long for a file with only a token"));
    }
    Ok(text.trim_ascii().into())
}
