use async_trait::async_trait;

use super::{CatalogError, HashOutcome, PinnedObject, StorageError};

/// Whether somebody waits for a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The caller waits, for as long as its request may take.
    Awaited,
    /// The caller polls: the current progress is returned at once.
    Background,
}

/// How far the hashing of an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashingProgress {
    /// It came to this.
    Done(HashOutcome),
    /// It goes on, here or in another process, or waits for its turn. A caller that polls later
    /// hears of it.
    Pending,
}

/// Why an object was not hashed. Nothing is known of it; another call starts over.
#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    /// The store did not give the object.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The catalogue did not answer who hashes it, or what came out.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Hashes objects of a store whose own digests are no proof.
///
/// Called by [`RawStorageService`](crate::service::RawStorageService); implemented by what has
/// a runtime: the domain starts no task and knows no timer. Without one, a service reads each
/// object within the call, however large.
///
/// - An object that is hashed, or was, is not read again, however many ask.
/// - What was begun goes on when the caller has gone.
/// - Every call answers within a bounded time.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ObjectHasher: std::fmt::Debug + Send + Sync + 'static {
    /// What the hashing of this object came to, or how far it is; begins it where nobody has.
    ///
    /// # Errors
    /// See [`HashingError`].
    async fn digest(
        &self,
        object: PinnedObject,
        urgency: Urgency,
    ) -> Result<HashingProgress, HashingError>;
}
