/// What went wrong underneath a port, for the log and for nobody else.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What a [`RawStorageRepository`](super::RawStorageRepository) reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The store did not answer, refused the service itself, or sent a malformed answer. Nothing is
    /// known of the object; the caller may try again.
    #[error("the object store is unavailable")]
    Unavailable(#[source] BoxError),
    /// The object is in another bucket than the one this repository proved at start. It is not
    /// asked: what an unproved bucket says is not believed.
    #[error("the object is in a bucket that this repository does not serve")]
    ForeignBucket,
    /// The signing credentials end too soon for a useful URL.
    #[error("the signing credentials end too soon")]
    CredentialsEnding,
}

/// What an [`AssetCatalog`](super::AssetCatalog) or [`EventOutbox`](super::EventOutbox) reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The catalogue did not answer, or did not commit. Unless the method says otherwise, nothing
    /// of the call has happened, or the same call again has the same outcome.
    #[error("the catalogue is unavailable")]
    Unavailable(#[source] BoxError),
    /// The catalogue already has an intent of this asset id. Ids are made by the service, so this
    /// is a broken source of ids, not a caller's fault.
    #[error("the catalogue already has this asset id")]
    AlreadyExists,
    /// A row does not read back as what was once written. It is reported, never repaired.
    #[error("the catalogue holds a row that cannot be read")]
    Corrupt(#[source] BoxError),
}
