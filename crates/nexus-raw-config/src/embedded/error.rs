use std::io;
use std::path::{Path, PathBuf};

/// The error of using a data directory. Never shows a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// The path is empty, not UTF-8, or has `?` or a control character.
    #[error("data directory is invalid: {}: must be UTF-8 without `?` and control characters", data_dir.display())]
    Name {
        /// The configured path.
        data_dir: PathBuf,
    },
    /// A file or the directory cannot be created, read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The attempted action.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Users other than the owner may read a secret, or anyone may write to the directory.
    #[error("{} is accessible to other users; restrict its permissions with chmod", path.display())]
    Open {
        /// The file or directory.
        path: PathBuf,
    },
    /// The content of a secret file was changed.
    #[error("{} does not contain a valid secret; restore it, or remove it to generate a new one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// No server has been started with this directory.
    #[error("{} has no secrets yet; start the server in embedded mode first", data_dir.display())]
    NotPrepared {
        /// The directory.
        data_dir: PathBuf,
    },
    /// The system's random source failed.
    #[error("cannot generate a secret: {0}")]
    Random(String),
}

impl EmbeddedError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
