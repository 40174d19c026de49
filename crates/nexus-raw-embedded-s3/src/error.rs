//! Why a server does not start or does not stop.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server did not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address could be reached from other machines.
    #[error("{addr} is not a loopback address")]
    NotLoopback {
        /// The address asked for.
        addr: SocketAddr,
    },
    /// The address is taken or not to be had.
    #[error("cannot listen on {addr}")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The access key id is not 1..=128 of `A-Z a-z 0-9 _ . -`, or the secret is empty.
    #[error("the access key id or the secret access key is malformed")]
    Credentials,
    /// The region is not 1..=32 of `a-z 0-9 -`.
    #[error("the region {region:?} is malformed")]
    Region {
        /// The region asked for.
        region: String,
    },
    /// A bucket's name breaks AWS's naming rules.
    #[error("the bucket name {bucket:?} breaks the naming rules")]
    BucketName {
        /// The name asked for.
        bucket: String,
    },
    /// Another server, of this process or another, has the data directory.
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
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread or no event loop.
    #[error("cannot start the server's thread")]
    Runtime(#[source] io::Error),
}

/// What a shutdown could not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// Requests still ran at the deadline and were cut off; nothing of them was published half.
    #[error("requests still ran at the deadline and were cut off")]
    CutOff,
    /// The server's thread had died of a defect.
    #[error("the server's thread had panicked")]
    Panicked,
}
