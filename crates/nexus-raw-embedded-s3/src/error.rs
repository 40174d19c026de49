//! The errors of starting and stopping a server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The error of starting a server. Nothing is left running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is reachable from other machines.
    #[error("{addr} is not a loopback address")]
    NotLoopback {
        /// The configured address.
        addr: SocketAddr,
    },
    /// The address is in use or unavailable.
    #[error("cannot listen on {addr}")]
    Bind {
        /// The configured address.
        addr: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The access key id is not 1..=128 of `A-Z a-z 0-9 _ . -`, or the secret is empty.
    #[error("access key id or secret access key is malformed")]
    Credentials,
    /// The region is not 1..=32 of `a-z 0-9 -`.
    #[error("region is malformed: {region:?}")]
    Region {
        /// The configured region.
        region: String,
    },
    /// A bucket's name breaks AWS's naming rules.
    #[error("bucket name is invalid: {bucket:?}")]
    BucketName {
        /// The configured name.
        bucket: String,
    },
    /// Another server, of this or another process, uses the data directory.
    #[error("{} is in use by another server", data_dir.display())]
    InUse {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// The data directory was written in a format that this version does not read.
    #[error("{} holds objects of an unknown format", data_dir.display())]
    UnknownFormat {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// The data directory cannot be read or written.
    #[error("cannot use {} as data directory", data_dir.display())]
    DataDir {
        /// The data directory.
        data_dir: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A thread or an event loop could not be created.
    #[error("cannot start the server's thread")]
    Runtime(#[source] io::Error),
}

/// The error of a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// Requests were still running at the deadline and were aborted; none was published in part.
    #[error("requests were still running at the deadline and were aborted")]
    CutOff,
    /// The server's thread panicked.
    #[error("server thread panicked")]
    Panicked,
}
