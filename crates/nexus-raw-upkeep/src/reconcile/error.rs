use std::path::PathBuf;

use nexus_raw::ports::{CatalogError, InventoryError, StorageError};

/// The error of a reconciliation. What was done until then is in the work file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// The bucket could not be read.
    #[error("the bucket cannot be read")]
    Bucket(#[from] InventoryError),
    /// The catalogue could not be read.
    #[error("the catalogue cannot be read")]
    Catalog(#[from] CatalogError),
    /// An object that was to be adopted could not be read.
    #[error("an object cannot be read")]
    Storage(#[from] StorageError),
    /// The list never ends.
    #[error("the list of {list} does not end: {reason}")]
    Endless {
        /// Of what.
        list: &'static str,
        /// How that shows.
        reason: EndlessList,
    },
    /// The work file cannot be used.
    #[error("the work file cannot be used")]
    WorkFile(#[from] WorkFileError),
}

/// How a list shows that it does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndlessList {
    /// It names the beginning of a page twice.
    #[error("it goes on where it has been before")]
    Repeats,
    /// Many pages in a row had nothing new.
    #[error("{0} pages in a row have nothing new")]
    Fruitless(u32),
}

/// The error of a work file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkFileError {
    /// Another process uses it.
    #[error("{} is used by another process", .0.display())]
    InUse(PathBuf),
    /// It is no work file of this version.
    #[error("{} is no work file of this version: name another one, or delete it", .0.display())]
    Unknown(PathBuf),
    /// It belongs to a reconciliation of something else.
    #[error(
        "{} belongs to an unfinished run of \"{of}\", and this one is of \"{wanted}\": finish that one, name another file, or delete it",
        file.display()
    )]
    OtherRun {
        /// The file.
        file: PathBuf,
        /// What it was begun for.
        of: String,
        /// What it is to be used for.
        wanted: String,
    },
    /// It cannot be read or written.
    #[error("{} cannot be read or written", file.display())]
    Failed {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
