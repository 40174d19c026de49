use std::{error::Error, fmt, path::PathBuf, sync::Arc, time::Duration};

use nexus_raw::ports::{BoxError, CatalogError};

/// The error of opening or migrating a catalogue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The database did not respond. A later retry may succeed.
    #[error("catalogue is unreachable")]
    Unreachable(#[source] BoxError),
    /// Another process has it open. A retry may succeed after that process ends.
    #[error("another process has the catalogue {} open; one catalogue is for one server", catalog.display())]
    InUse {
        /// The catalogue's file.
        catalog: PathBuf,
    },
    /// The database must not be used in its present state. A retry does not help: an operator has
    /// to fix what the finding names.
    #[error("{finding}")]
    Incompatible {
        /// What is wrong and, unless obvious, what to do.
        finding: String,
    },
}

impl OpenError {
    pub(crate) fn incompatible(finding: impl Into<String>) -> Self {
        Self::Incompatible {
            finding: finding.into(),
        }
    }
}

/// A column whose value this program cannot have written. The error names the column and hides the
/// value.
#[derive(Debug, thiserror::Error)]
#[error("column {0} holds an invalid value")]
pub(crate) struct CorruptColumn(pub(crate) &'static str);

impl From<CorruptColumn> for CatalogError {
    fn from(corrupt: CorruptColumn) -> Self {
        Self::Corrupt(Box::new(corrupt))
    }
}

/// The deadline of every call. After it the outcome of a write is unknown, since a transaction in
/// progress is not cancelled.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);

/// An error without a source.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum Reason {
    #[error("no answer within {} s", DEADLINE.as_secs())]
    Deadline,
    #[error("too many reads wait")]
    TooManyReads,
    #[error("the read ended without an answer")]
    Unanswered,
    #[error("the catalogue is closed, or its medium has failed")]
    Stopped,
}

impl From<Reason> for CatalogError {
    fn from(reason: Reason) -> Self {
        Self::Unavailable(Box::new(reason))
    }
}

/// A failure that is returned to several callers.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    corrupt: bool,
    source: Arc<dyn Error + Send + Sync>,
}

impl Failure {
    /// The operation failed or its outcome is unknown.
    pub(crate) fn unavailable(source: impl Into<BoxError>) -> Self {
        Self {
            corrupt: false,
            source: source.into().into(),
        }
    }

    /// The catalogue holds invalid data.
    pub(crate) fn corrupt(source: impl Into<BoxError>) -> Self {
        Self {
            corrupt: true,
            source: source.into().into(),
        }
    }

    pub(crate) fn is_corrupt(&self) -> bool {
        self.corrupt
    }

    /// Returns the error for one caller.
    pub(crate) fn to_catalog_error(&self) -> CatalogError {
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
