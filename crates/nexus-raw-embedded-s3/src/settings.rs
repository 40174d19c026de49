//! What a server is started with.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::lies::Lies;

/// The one key pair that the server knows.
#[derive(Clone)]
pub struct Credentials {
    /// 1..=128 characters of `A-Z a-z 0-9 _ . -`.
    pub access_key_id: String,
    /// Any text but the empty one. Never printed.
    pub secret_access_key: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Credentials(redacted)")
    }
}

/// How to start an [`EmbeddedS3`](crate::EmbeddedS3).
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) credentials: Credentials,
    pub(crate) bind: SocketAddr,
    pub(crate) region: String,
    pub(crate) buckets: Vec<String>,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) body_leeway: Duration,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) lies: Lies,
}

impl Settings {
    /// A server over `data_dir` (made for its owner alone if absent), on `127.0.0.1` at a free
    /// port, in `us-east-1`, without a bucket.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>, credentials: Credentials) -> Self {
        Self {
            data_dir: data_dir.into(),
            credentials,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            region: "us-east-1".to_owned(),
            buckets: Vec::new(),
            cors_origins: Vec::new(),
            body_leeway: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(10),
            lies: Lies::default(),
        }
    }

    /// The address to listen on. It must be a loopback address; port 0 takes a free port.
    #[must_use]
    pub fn with_bind(mut self, bind: SocketAddr) -> Self {
        self.bind = bind;
        self
    }

    /// The region that signatures must name: 1..=32 of `a-z 0-9 -`.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// A bucket to make at the start unless it is there already. By AWS's naming rules.
    #[must_use]
    pub fn with_bucket(mut self, bucket: impl Into<String>) -> Self {
        self.buckets.push(bucket.into());
        self
    }

    /// An origin whose pages may upload from a browser, as browsers send it:
    /// `https://app.example.com`. Compared byte for byte; without any, no page may.
    #[must_use]
    pub fn with_cors_origin(mut self, origin: impl Into<String>) -> Self {
        self.cors_origins.push(origin.into());
        self
    }

    /// How far a client may fall behind 16 KiB a second in the middle of a body, and so for how long
    /// it may send nothing. Default 10 s.
    #[must_use]
    pub fn with_body_leeway(mut self, leeway: Duration) -> Self {
        self.body_leeway = leeway;
        self
    }

    /// How long a shutdown waits for the requests that still run. Default 10 s.
    #[must_use]
    pub fn with_shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Makes the server break its word in one way. For the tests of a client's own checks only.
    #[cfg(feature = "lying")]
    #[must_use]
    pub fn with_lie(mut self, lie: crate::Lie) -> Self {
        self.lies.add(lie);
        self
    }
}
