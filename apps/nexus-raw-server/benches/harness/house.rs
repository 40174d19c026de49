use std::{net::SocketAddr, path::PathBuf, process::Command};

use nexus_raw::tenancy::Role;
use nexus_raw_config::EmbeddedMode;
use nexus_raw_testkit::SeaweedFs;
use secrecy::ExposeSecret as _;

use super::{
    processor::{self, Process},
    running::Running,
};
use crate::common::{
    house::{Embedded, House as _, OnPostgres},
    machine::Machine,
};

/// The store and the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Embedded,
    Platform,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Platform => "PostgreSQL, SeaweedFS",
        }
    }
}

/// A store and a catalogue, and no service yet.
pub(crate) struct Site {
    kind: Kind,
    /// Another program than the one that was built with the benchmark.
    program: Option<PathBuf>,
}

enum Kind {
    Embedded(Embedded),
    Platform(OnPostgres, Database),
}

/// The server of PostgreSQL.
pub(crate) struct Database(u32);

impl Process for Database {
    fn id(&self) -> u32 {
        self.0
    }
}

/// The store, as another client reaches it.
pub(crate) struct Store {
    pub(crate) endpoint: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
}

impl Site {
    pub(crate) fn open(mode: Mode, program: Option<PathBuf>) -> Self {
        let kind = match mode {
            Mode::Embedded => Kind::Embedded(Embedded::open()),
            Mode::Platform => {
                let house = OnPostgres::open();
                let started = processor::descendants(std::process::id());
                let mut named = started
                    .into_iter()
                    .filter(|&it| processor::name(it).trim_end() == "postgres");
                // the others are its children
                Kind::Platform(house, Database(named.next().unwrap()))
            }
        };
        Self { kind, program }
    }

    pub(crate) fn start(&self) -> Running {
        let mut command = match &self.kind {
            Kind::Embedded(house) => house.program(),
            Kind::Platform(house, _) => house.program(),
        };
        if let Some(program) = &self.program {
            command = replaced(&command, program.clone());
        }
        Running::start(&mut command)
    }

    pub(crate) fn database(&self) -> Option<&Database> {
        match &self.kind {
            Kind::Embedded(_) => None,
            Kind::Platform(_, database) => Some(database),
        }
    }

    pub(crate) fn store(&self, running: &Running) -> Store {
        match &running.s3_endpoint {
            Some(endpoint) => {
                let mode = EmbeddedMode::open_existing(&self.machine().data_dir()).unwrap();
                let secrets = mode.secrets();
                Store {
                    endpoint: endpoint.clone(),
                    access_key_id: secrets.s3_access_key_id.expose_secret().to_owned(),
                    secret_access_key: secrets.s3_secret_access_key.expose_secret().to_owned(),
                }
            }
            None => Store {
                endpoint: match &self.kind {
                    Kind::Embedded(_) => panic!("no store"),
                    Kind::Platform(house, _) => house.seaweedfs().unwrap().endpoint(),
                },
                access_key_id: SeaweedFs::ACCESS_KEY_ID.to_owned(),
                secret_access_key: SeaweedFs::SECRET_ACCESS_KEY.to_owned(),
            },
        }
    }

    /// The secret of the tokens.
    pub(crate) fn token_secret(&self) -> String {
        let mode = EmbeddedMode::open_existing(&self.machine().data_dir()).unwrap();
        mode.secrets().hs256_secret.expose_secret().to_owned()
    }

    pub(crate) fn token(&self, tenant: &str) -> String {
        self.machine().token(tenant, Role::Owner)
    }

    pub(crate) fn machine(&self) -> &Machine {
        match &self.kind {
            Kind::Embedded(house) => house.machine(),
            Kind::Platform(house, _) => house.machine(),
        }
    }
}

/// The same command of another program.
fn replaced(command: &Command, program: PathBuf) -> Command {
    let mut other = Command::new(program);
    other.env_clear().args(command.get_args());
    let variables = command.get_envs();
    other.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        other.current_dir(directory);
    }
    other
}

/// Host and target of a URL of a store.
pub(crate) fn host_and_target(url: &str) -> (SocketAddr, &str) {
    let address = url.strip_prefix("http://").unwrap();
    let (host, _) = address.split_once('/').unwrap();
    (host.parse().unwrap(), &address[host.len()..])
}
