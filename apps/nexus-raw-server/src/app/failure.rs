use std::{io, net::SocketAddr};

use nexus_raw::{asset::BucketNameError, ports::CatalogError};
use nexus_raw_catalog_sql::OpenError;
use nexus_raw_config::{ConfigErrors, EmbeddedError};
use nexus_raw_embedded_s3::StartError;
use nexus_raw_events::{HttpSinkError, NatsSinkError, RelayError};
use nexus_raw_identity_jwt::JwtSettingsError;
use nexus_raw_storage_s3::{ConnectError, CredentialsFailure, ProbeError};

/// Why the server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The configuration has faults; each is a line.
    #[error("the configuration is not right\n{0}")]
    Config(ConfigErrors),
    /// The configuration asks for what this version does not have; each is a line.
    #[error("the configuration asks for what this version does not have\n{}", .0.join("\n"))]
    Unsupported(Vec<String>),
    /// The data directory of embedded mode cannot be used.
    #[error("embedded mode cannot start")]
    Embedded(#[from] EmbeddedError),
    /// The embedded S3 server did not start.
    #[error("the embedded S3 server cannot start")]
    EmbeddedS3(#[from] StartError),
    /// `storage.bucket` is no name of a bucket.
    #[error("storage.bucket is not right")]
    Bucket(#[from] BucketNameError),
    /// Tokens cannot be verified with these settings.
    #[error("tokens cannot be verified; look at {}", identity_key(.0))]
    Identity(#[from] JwtSettingsError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
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
    #[error("the object store cannot be used")]
    Connect(#[from] ConnectError),
    /// The store was not proved.
    #[error("the object store cannot be used")]
    Probe(#[from] ProbeError),
    /// A sink of events cannot be made.
    #[error("events cannot be sent by HTTP")]
    HttpSink(#[from] HttpSinkError),
    /// A sink of events cannot be made.
    #[error("events cannot be sent to NATS")]
    NatsSink(#[from] NatsSinkError),
    /// Events cannot be relayed.
    #[error("events cannot be relayed")]
    Relay(#[from] RelayError),
    /// Standard output or standard error cannot be written.
    #[error("an output cannot be written")]
    Output(#[source] io::Error),
    /// The system gives no threads or no signals.
    #[error("the system gives no threads or signals")]
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
    #[error("the medium of the catalogue failed: what it holds is known only after a new start")]
    MediumFailed,
    /// The medium under the embedded object store failed while the server ran.
    #[error(
        "the medium of the embedded object store failed: what it holds is known only after a new start"
    )]
    StoreMediumFailed,
    /// The relay ended while the server ran: no event would be delivered any more.
    #[error("the relay of events ended by a defect; what was not delivered is after a new start")]
    RelayEnded,
}

/// The key of the configuration that an error of the token settings is about.
fn identity_key(error: &JwtSettingsError) -> &'static str {
    match error {
        JwtSettingsError::JwksFile(_) | JwtSettingsError::Jwks(_) => "identity.jwks_file",
        JwtSettingsError::JwksUrl | JwtSettingsError::HttpClient(_) => "identity.jwks_url",
        _ => "identity",
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
}

// not by `#[from]`, which would have it be a source too, and be told twice
impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(errors)
    }
}
