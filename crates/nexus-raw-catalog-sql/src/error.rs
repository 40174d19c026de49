use std::{error::Error, fmt, path::PathBuf, sync::Arc, time::Duration};

use nexus_raw::ports::{BoxError, CatalogError};

/// Why a catalogue was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The database did not answer. To try again later may help.
    #[error("the catalogue cannot be reached")]
    Unreachable(#[source] BoxError),
    /// Another process has it. It lets go when it ends, so to try again later may help.
    #[error("another process has the catalogue {} open; one catalogue is for one server", catalog.display())]
    InUse {
        /// The catalogue's file.
        catalog: PathBuf,
    },
    /// The database must not be used as it is. To try again does not help: somebody has to change
    /// what the finding names.
    #[error("{finding}")]
    Unfit {
        /// What is wrong, and where it is not obvious, what to do.
        finding: String,
    },
}

impl OpenError {
    pub(crate) fn unfit(finding: impl Into<String>) -> Self {
        Self::Unfit {
            finding: finding.into(),
        }
    }
}

/// A column that does not read back as anything that was ever written to it. It is named; what
/// stands in it is not shown.
#[derive(Debug, thiserror::Error)]
#[error("column {0} holds an invalid value")]
pub(crate) struct CorruptColumn(pub(crate) &'static str);

impl From<CorruptColumn> for CatalogError {
    fn from(corrupt: CorruptColumn) -> Self {
        Self::Corrupt(Box::new(corrupt))
    }
}

/// How long a caller waits for its answer. After it the outcome of a write is not known: what is
/// already being written cannot be called back.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);

/// What has no cause underneath.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum Reason {
    #[error("no answer within {} s", DEADLINE.as_secs())]
    Deadline,
    #[error("the catalogue is closed, or its medium has failed")]
    Stopped,
}

impl From<Reason> for CatalogError {
    fn from(reason: Reason) -> Self {
        Self::Unavailable(Box::new(reason))
    }
}

/// A failure that several callers are told of.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    corrupt: bool,
    source: Arc<dyn Error + Send + Sync>,
}

impl Failure {
    /// The catalogue did not do what it was asked.
    pub(crate) fn unavailable(source: impl Into<BoxError>) -> Self {
        Self {
            corrupt: false,
            source: source.into().into(),
        }
    }

    /// What the catalogue holds makes no sense.
    pub(crate) fn corrupt(source: impl Into<BoxError>) -> Self {
        Self {
            corrupt: true,
            source: source.into().into(),
        }
    }

    pub(crate) fn is_corrupt(&self) -> bool {
        self.corrupt
    }

    /// As one caller is told of it.
    pub(crate) fn told(&self) -> CatalogError {
        let source = Box::new(Shared(self.source.clone()));
        if self.corrupt {
            CatalogError::Corrupt(source)
        } else {
            CatalogError::Unavailable(source)
        }
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Corrupt(source) => Self::corrupt(source),
            CatalogError::Unavailable(source) => Self::unavailable(source),
            other => Self::unavailable(Box::new(other)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(out)
    }
}

#[derive(Debug)]
struct Shared(Arc<dyn Error + Send + Sync>);

impl fmt::Display for Shared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Error for Shared {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
