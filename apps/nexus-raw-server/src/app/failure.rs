use std::{error::Error, io, net::SocketAddr, path::PathBuf};

use nexus_raw::{
    ErrorChain,
    ports::{CatalogError, InventoryError},
};
use nexus_raw_catalog_sql::{BackupError, OpenError};
use nexus_raw_config::{ConfigErrors, EmbeddedError, Fault};
use nexus_raw_embedded_s3::StartError;
use nexus_raw_events::RelayError;
use nexus_raw_storage_s3::{ConnectError, CredentialsFailure, ProbeError};
use nexus_raw_upkeep::{
    import::{ImportError, ManifestError},
    reconcile::{ReconcileError, WorkFileError},
    s3_inventory::S3InventoryError,
    scrub::ScrubError,
};

/// The error that ends the process.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The configuration is invalid; each fault is a line that begins with its dotted key.
    #[error("the configuration is invalid\n{}", .0.join("\n"))]
    Config(Vec<String>),
    /// There is no configuration; each line names a required key.
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
    /// The server cannot listen on the address.
    #[error("cannot listen on {address}; look at {key}")]
    Bind {
        /// The key of the configuration that names the address.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The catalogue cannot be opened.
    #[error("the catalogue cannot be used")]
    Catalog(#[from] OpenError),
    /// The command writes, and a server has the catalogue.
    #[error("the catalogue is in use: stop the server, and start it again afterwards")]
    ServerRuns(#[source] OpenError),
    /// A call of the catalogue failed.
    #[error("the catalogue did not answer")]
    CatalogCall(#[from] CatalogError),
    /// There is no backup.
    #[error("the catalogue was not backed up")]
    Backup(#[from] BackupError),
    /// There is no command of this name.
    #[error("{0} is not a command")]
    UnknownCommand(String),
    /// The client of the object store cannot be built.
    #[error("the object store cannot be used; look at {}", connect_key(.0))]
    Connect(#[from] ConnectError),
    /// The probe of the store failed.
    #[error("the object store cannot be used")]
    Probe(#[from] ProbeError),
    /// Events cannot be relayed.
    #[error("events cannot be relayed")]
    Relay(#[from] RelayError),
    /// The server that was asked for its health is not well, or is not there.
    #[error("http://{address}{path} is not well")]
    Unhealthy {
        /// Where it was asked.
        address: SocketAddr,
        /// The path of the probe.
        path: &'static str,
        /// The answer, or why there is none.
        source: io::Error,
    },
    /// The bucket and the catalogue cannot be compared.
    #[error("the bucket and the catalogue cannot be compared")]
    Reconcile(#[from] ReconcileError),
    /// Registered objects cannot be read again.
    #[error("the scrub was not finished: the next one goes on")]
    Scrub(#[from] ScrubError),
    /// Not all objects were imported.
    #[error("the import ended early")]
    Import(#[from] ImportError),
    /// The report of S3 Inventory cannot be used.
    #[error("the inventory cannot be used")]
    Inventory(#[from] S3InventoryError),
    /// The comparison was not finished in its time.
    #[error("not finished: the next call goes on with {}", work_file.display())]
    Unfinished {
        /// What is done is in there.
        work_file: PathBuf,
    },
    /// The bucket's list is incomplete.
    #[error(
        "the store's list left out {left_out} registered objects that it has: the report may lack foreign objects and uploads"
    )]
    IncompleteList {
        /// The number of registered objects that it left out.
        left_out: u64,
    },
    /// Standard output or standard error cannot be written.
    #[error("an output cannot be written")]
    Output(#[source] io::Error),
    /// The operating system refused a thread or a signal handler.
    #[error("the operating system refused a thread or signal handler")]
    System(#[source] io::Error),
    /// The limit of open files is too low.
    #[error(
        "the hard limit of open files is {limit}, and this configuration needs {needed}: raise it (systemd: LimitNOFILE; a shell: ulimit -Hn)"
    )]
    Descriptors {
        /// The hard limit.
        limit: usize,
        /// The required number.
        needed: usize,
    },
    /// The catalogue's medium failed while the server ran.
    #[error("the medium of the catalogue failed: restart the service to learn what it holds")]
    MediumFailed,
    /// The embedded object store's medium failed while the server ran.
    #[error(
        "the medium of the embedded object store failed: restart the service to learn what it holds"
    )]
    StoreMediumFailed,
    /// The relay ended while the server ran, so events would no longer be delivered.
    #[error(
        "the event relay stopped unexpectedly; undelivered events are delivered after a restart"
    )]
    RelayEnded,
    /// The propagation of consent ended while the server ran, so permissions to train would no longer
    /// reach all descendants.
    #[error("the propagation of consent stopped unexpectedly; it continues after a restart")]
    ConsentEnded,
    /// The removal of abandoned uploads ended while the server ran.
    #[error("the removal of abandoned uploads stopped unexpectedly; it continues after a restart")]
    RemovalEnded,
}

/// Returns the configuration key behind an error of the embedded S3 server.
pub(super) fn embedded_s3_key(error: &StartError) -> &'static str {
    match error {
        StartError::NotLoopback { .. } | StartError::Bind { .. } => "embedded.s3_bind",
        StartError::Credentials => "storage.access_key_id",
        StartError::Region { .. } => "storage.region",
        StartError::BucketName { .. } => "storage.bucket",
        _ => "--data-dir",
    }
}

/// Returns the configuration key behind an error of the store's client.
pub(super) fn connect_key(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::Credentials(_) => "storage.access_key_id",
        _ => "storage.region",
    }
}

/// As of clap.
const USAGE: u8 = 2;
/// `EX_UNAVAILABLE` of sysexits.h.
const UNAVAILABLE: u8 = 69;
/// `EX_SOFTWARE` of sysexits.h.
const SOFTWARE: u8 = 70;
/// `EX_IOERR` of sysexits.h.
const IO_ERROR: u8 = 74;
/// `EX_TEMPFAIL` of sysexits.h.
const UNFINISHED: u8 = 75;
/// `EX_CONFIG` of sysexits.h.
const CONFIG: u8 = 78;

impl Failure {
    /// Returns the exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownCommand(_) => USAGE,
            Self::CatalogCall(CatalogError::Corrupt(_)) => IO_ERROR,
            Self::Bind { .. }
            | Self::CatalogCall(_)
            | Self::ServerRuns(_)
            | Self::Backup(BackupError::Read(_))
            | Self::Unhealthy { .. }
            | Self::IncompleteList { .. }
            | Self::EmbeddedS3(StartError::Bind { .. } | StartError::InUse { .. }) => UNAVAILABLE,
            _ if self.is_transient() => UNAVAILABLE,
            Self::Output(_)
            | Self::System(_)
            | Self::MediumFailed
            | Self::StoreMediumFailed
            | Self::Backup(
                BackupError::Exists(_) | BackupError::Write { .. } | BackupError::Unsound { .. },
            ) => IO_ERROR,
            Self::Reconcile(error) => of_reconciling(error),
            Self::Scrub(ScrubError::Report(_) | ScrubError::Catalog(CatalogError::Corrupt(_))) => {
                IO_ERROR
            }
            Self::Scrub(_) => UNAVAILABLE,
            Self::Import(error) => of_importing(error),
            Self::Unfinished { .. } => UNFINISHED,
            Self::RelayEnded | Self::ConsentEnded | Self::RemovalEnded => SOFTWARE,
            _ => CONFIG,
        }
    }

    /// Returns whether a retry may succeed without a change by an operator.
    pub(super) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Catalog(OpenError::Unreachable(_) | OpenError::InUse { .. })
                | Self::Probe(ProbeError::Unreachable(_))
                | Self::Connect(ConnectError::Credentials(
                    CredentialsFailure::Failed | CredentialsFailure::Timeout,
                ))
        )
    }

    /// Returns the failure of a missing configuration.
    pub(crate) fn unconfigured(errors: &ConfigErrors) -> Self {
        Self::Unconfigured(lines(errors))
    }

    /// Returns the failure of one configuration key.
    pub(super) fn of_key(key: &str, error: &(dyn Error + 'static)) -> Self {
        Self::Config(vec![format!("{key}: {}", ErrorChain(error))])
    }
}

/// Returns the exit code of a comparison that failed.
fn of_reconciling(error: &ReconcileError) -> u8 {
    match error {
        ReconcileError::Bucket(InventoryError::Unavailable(_))
        | ReconcileError::Catalog(CatalogError::Unavailable(_))
        | ReconcileError::Storage(_)
        | ReconcileError::Endless { .. }
        | ReconcileError::WorkFile(WorkFileError::InUse(_)) => UNAVAILABLE,
        ReconcileError::WorkFile(WorkFileError::Failed { .. }) => IO_ERROR,
        _ => CONFIG,
    }
}

/// Returns the exit code of an import that failed.
fn of_importing(error: &ImportError) -> u8 {
    match error {
        ImportError::Report(_)
        | ImportError::Manifest(ManifestError::Unreadable { .. })
        | ImportError::Catalog(CatalogError::Corrupt(_)) => IO_ERROR,
        ImportError::List(InventoryError::Unavailable(_))
        | ImportError::Endless
        | ImportError::InARow(_)
        | ImportError::Storage(_)
        | ImportError::Catalog(_) => UNAVAILABLE,
        _ => CONFIG,
    }
}

impl From<WorkFileError> for Failure {
    fn from(error: WorkFileError) -> Self {
        Self::Reconcile(error.into())
    }
}

// each fault is a line of the text; without a source, which would print it again
impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(lines(&errors))
    }
}

fn lines(errors: &ConfigErrors) -> Vec<String> {
    errors.faults().iter().map(Fault::to_string).collect()
}
