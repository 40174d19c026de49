use std::io;

use nexus_raw::ports::{CatalogError, StorageError};

/// The error that ends a scrub. Verdicts that were recorded until then stay, and the next run goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScrubError {
    /// The catalogue did not answer.
    #[error("the catalogue did not answer")]
    Catalog(#[from] CatalogError),
    /// The store as a whole did not answer.
    #[error("the object store did not answer")]
    Storage(#[from] StorageError),
    /// The report could not be written.
    #[error("the report cannot be written")]
    Report(#[source] io::Error),
}
