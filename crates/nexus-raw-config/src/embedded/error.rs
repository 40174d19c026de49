use std::io;
use std::path::{Path, PathBuf};

/// Why a data directory cannot be used. Never shows a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// The path is empty, not UTF-8, or holds `?` or a control character.
    #[error("the data directory {} must be a path in UTF-8 without `?` and control characters", data_dir.display())]
    Name {
        /// The path that was given.
        data_dir: PathBuf,
    },
    /// A file or the directory cannot be made, read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others than the owner may read a secret, or anyone may write to the directory.
    #[error("{} is open to other users; take their rights away with chmod", path.display())]
    Open {
        /// The file or directory.
        path: PathBuf,
    },
    /// A secret is not what was written there.
    #[error("{} does not hold a secret as it was made; restore it, or remove it to have a new one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// No server has been started there.
    #[error("{} has no secrets yet; start the server in embedded mode first", data_dir.display())]
    NotPrepared {
        /// The directory.
        data_dir: PathBuf,
    },
    /// The system gives no randomness.
    #[error("cannot draw a secret: {0}")]
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
