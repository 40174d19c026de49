use std::{error::Error, io, net::SocketAddr};

use nexus_raw::{ErrorChain, ports::CatalogError};
use nexus_raw_catalog_sql::OpenError;
use nexus_raw_config::{ConfigErrors, EmbeddedError, Fault};
use nexus_raw_embedded_s3::StartError;
use nexus_raw_events::RelayError;
use nexus_raw_storage_s3::{ConnectError, CredentialsFailure, ProbeError};

/// Why the server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The configuration has faults; each is a line that begins with its dotted key.
    #[error("the configuration is invalid\n{}", .0.join("\n"))]
    Config(Vec<String>),
    /// There is no configuration; each line names a key that it must have.
    #[error(
        "there is no configuration: to try the service on this machine, run `nexus-raw-server --embedded`, which needs \
         none; otherwise give `--config FILE` or variables, with at least\n{}", .0.join("\n")
    )]
    Unconfigured(Vec<String>),
    /// The data directory of embedded mode cannot be used.
    #[error("embedded mode cannot start")]
    Embedded(#[from] EmbeddedError),
    /// The embedded S3 server did not start.
    #[error("the embedded S3 server cannot start; look at {}", embedded_s3_key(.0))]
    EmbeddedS3(#[from] StartError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; look at {key}")]
    Bind {
        /// The key of the configuration that names the address.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The catalogue cannot be opened.
    #[error("the catalogue cannot be used")]
    Catalog(#[from] OpenError),
    /// The catalogue gave no answer.
    #[error("the catalogue did not answer")]
    CatalogCall(#[from] CatalogError),
    /// There is nothing to ask the store with.
    #[error("the object store cannot be used; look at {}", connect_key(.0))]
    Connect(#[from] ConnectError),
    /// The store was not proved.
    #[error("the object store cannot be used")]
    Probe(#[from] ProbeError),
    /// Events cannot be relayed.
    #[error("events cannot be relayed")]
    Relay(#[from] RelayError),
    /// Standard output or standard error cannot be written.
    #[error("an output cannot be written")]
    Output(#[source] io::Error),
    /// The system gives no threads or no signals.
    #[error("the operating system refused a thread or signal handler")]
    System(#[source] io::Error),
    /// The system lets the process have too few files open.
    #[error(
        "the hard limit of open files is {limit}, and this configuration needs {needed}: raise it (systemd: LimitNOFILE; a shell: ulimit -Hn)"
    )]
    Descriptors {
        /// How many may be open.
        limit: usize,
        /// How many must be.
        needed: usize,
    },
    /// The medium under the catalogue failed while the server ran.
    #[error("the medium of the catalogue failed: restart the service to learn what it holds")]
    MediumFailed,
    /// The medium under the embedded object store failed while the server ran.
    #[error(
        "the medium of the embedded object store failed: restart the service to learn what it holds"
    )]
    StoreMediumFailed,
    /// The relay ended while the server ran: no event would be delivered any more.
    #[error(
        "the event relay stopped unexpectedly; undelivered events are delivered after a restart"
    )]
    RelayEnded,
}

/// The key of the configuration that a start of the embedded S3 server failed by.
pub(super) fn embedded_s3_key(error: &StartError) -> &'static str {
    match error {
        StartError::NotLoopback { .. } | StartError::Bind { .. } => "embedded.s3_bind",
        StartError::Credentials => "storage.access_key_id",
        StartError::Region { .. } => "storage.region",
        StartError::BucketName { .. } => "storage.bucket",
        _ => "--data-dir",
    }
}

/// The key of the configuration by which there is nothing to ask the store with.
pub(super) fn connect_key(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::Credentials(_) => "storage.access_key_id",
        _ => "storage.region",
    }
}

/// `EX_UNAVAILABLE` of sysexits.h.
const UNAVAILABLE: u8 = 69;
/// `EX_SOFTWARE` of sysexits.h.
const SOFTWARE: u8 = 70;
/// `EX_IOERR` of sysexits.h.
const IO_ERROR: u8 = 74;
/// `EX_CONFIG` of sysexits.h.
const CONFIG: u8 = 78;

impl Failure {
    /// What the process ends with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Bind { .. }
            | Self::CatalogCall(_)
            | Self::EmbeddedS3(StartError::Bind { .. } | StartError::InUse { .. }) => UNAVAILABLE,
            _ if self.may_pass() => UNAVAILABLE,
            Self::Output(_) | Self::System(_) | Self::MediumFailed | Self::StoreMediumFailed => {
                IO_ERROR
            }
            Self::RelayEnded => SOFTWARE,
            _ => CONFIG,
        }
    }

    /// Whether the same attempt may succeed at another time, without anybody changing anything.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Catalog(OpenError::Unreachable(_) | OpenError::InUse { .. })
                | Self::Probe(ProbeError::Unreachable(_))
                | Self::Connect(ConnectError::Credentials(
                    CredentialsFailure::Failed | CredentialsFailure::Timeout,
                ))
        )
    }

    /// These errors are of nobody having said anything.
    pub(crate) fn unconfigured(errors: &ConfigErrors) -> Self {
        Self::Unconfigured(lines(errors))
    }

    /// A fault of one key, which a part found in its settings.
    pub(super) fn of_key(key: &str, error: &(dyn Error + 'static)) -> Self {
        Self::Config(vec![format!("{key}: {}", ErrorChain(error))])
    }
}

// each fault is a line of its own, and no source that would be told once more
impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(lines(&errors))
    }
}

fn lines(errors: &ConfigErrors) -> Vec<String> {
    errors.faults().iter().map(Fault::to_string).collect()
}
