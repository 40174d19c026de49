//! The settings of a server.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::misbehaviour::Misbehaviours;

/// The minimum size of a part, 5 MiB:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;

/// The only key pair of the server.
#[derive(Clone)]
pub struct Credentials {
    /// 1..=128 characters of `A-Z a-z 0-9 _ . -`.
    pub access_key_id: String,
    /// Any text except the empty one. Never printed.
    pub secret_access_key: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Credentials(redacted)")
    }
}

/// Settings of an [`EmbeddedS3`](crate::EmbeddedS3).
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) credentials: Credentials,
    pub(crate) bind: SocketAddr,
    pub(crate) region: String,
    pub(crate) buckets: Vec<String>,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) min_part_bytes: u64,
    pub(crate) body_leeway: Duration,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) misbehaviours: Misbehaviours,
}

impl Settings {
    /// Returns settings for `data_dir` (created only for its owner if absent), on `127.0.0.1` at a
    /// free port, in `us-east-1`, without a bucket.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>, credentials: Credentials) -> Self {
        Self {
            data_dir: data_dir.into(),
            credentials,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            region: "us-east-1".to_owned(),
            buckets: Vec::new(),
            cors_origins: Vec::new(),
            min_part_bytes: MIN_PART_BYTES,
            body_leeway: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(10),
            misbehaviours: Misbehaviours::default(),
        }
    }

    /// Sets the address, which must be loopback; port 0 selects a free port.
    #[must_use]
    pub fn with_bind(mut self, bind: SocketAddr) -> Self {
        self.bind = bind;
        self
    }

    /// Sets the region of signatures: 1..=32 of `a-z 0-9 -`.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Adds a bucket that is created at the start unless it exists, by AWS's naming rules.
    #[must_use]
    pub fn with_bucket(mut self, bucket: impl Into<String>) -> Self {
        self.buckets.push(bucket.into());
        self
    }

    /// Adds an origin whose pages may upload and download from a browser, as browsers send it:
    /// `https://app.example.com`. Compared byte for byte; without any, no page may.
    #[must_use]
    pub fn with_cors_origin(mut self, origin: impl Into<String>) -> Self {
        self.cors_origins.push(origin.into());
        self
    }

    /// Sets the minimum size of a part of a multipart upload, except the last one, which completion
    /// enforces. Default 5 MiB, as on AWS; tests may want less.
    #[must_use]
    pub fn with_min_part_bytes(mut self, bytes: u64) -> Self {
        self.min_part_bytes = bytes;
        self
    }

    /// Sets how far a client may fall behind 16 KiB/s within a body, and so how long it may send
    /// nothing. Default 10 s.
    #[must_use]
    pub fn with_body_leeway(mut self, leeway: Duration) -> Self {
        self.body_leeway = leeway;
        self
    }

    /// Sets how long a shutdown waits for running requests. Default 10 s.
    #[must_use]
    pub fn with_shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Adds a deliberate defect, only for tests of a client's checks.
    #[cfg(feature = "lying")]
    #[must_use]
    pub fn with_misbehaviour(mut self, misbehaviour: crate::Misbehaviour) -> Self {
        self.misbehaviours.add(misbehaviour);
        self
    }
}
