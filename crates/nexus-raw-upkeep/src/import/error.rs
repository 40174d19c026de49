use std::io;

use nexus_raw::ports::{CatalogError, InventoryError, StorageError};

use super::manifest::ManifestError;

/// The error that ends an import. What was imported until then stays, and the next run goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The source is where the service has its own objects.
    #[error(
        "the service's own keys cannot be imported: they name their assets, and an object without a record is \
         one that `reconcile` reports"
    )]
    InPlace,
    /// The manifest cannot be used. Nothing was imported.
    #[error("the manifest cannot be used")]
    Manifest(#[from] ManifestError),
    /// The source cannot be listed.
    #[error("the source cannot be listed")]
    List(#[source] InventoryError),
    /// The list of the source goes round in circles.
    #[error("the list of the source does not end: it goes on where it has been before")]
    Endless,
    /// The catalogue did not answer.
    #[error("the catalogue did not answer")]
    Catalog(#[from] CatalogError),
    /// The object store as a whole did not answer.
    #[error("the object store did not answer")]
    Storage(#[from] StorageError),
    /// Many objects in a row could not be imported.
    #[error("{0} objects in a row could not be read or written; the report has the reasons")]
    InARow(u32),
    /// The report could not be written.
    #[error("the report cannot be written")]
    Report(#[source] io::Error),
}
