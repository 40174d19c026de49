use async_trait::async_trait;

use super::{
    AbortOutcome, CatalogError, CompletionOutcome, HashOutcome, OpenUpload, PinnedObject,
    StorageError, VerificationOrder,
};
use crate::asset::{DeclaredPart, Verification};

/// Whether somebody waits for a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The caller waits, for as long as its request may take.
    Awaited,
    /// The caller polls: the current progress is returned at once.
    Background,
}

/// How far the work on an asset's object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkProgress<T> {
    /// It came to this.
    Done(T),
    /// It goes on, here or in another process, or waits for its turn. A caller that polls later
    /// hears of it.
    Pending,
}

/// Why work was not done. Nothing is known of its outcome; another call starts over.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The store did not do its part.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The catalogue did not answer who does the work, or what came out.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Slow work on the object of an asset: hashing it where the store's own digests are no proof,
/// completing an upload in parts, aborting one, reading a registered one again.
///
/// Called by [`RawStorageService`](crate::service::RawStorageService); implemented by what has
/// a runtime: the domain starts no task and knows no timer. Without one, a service does all within
/// the call, however long it takes, and nothing keeps two of its processes from doing the same at
/// once.
///
/// - At any time one process at most works on an asset.
/// - An object that is hashed, or was, is not read again, however many ask; an upload that is
///   completed is not completed again.
/// - What was begun goes on when the caller has gone.
/// - Every call answers within a bounded time.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ObjectWorker: std::fmt::Debug + Send + Sync + 'static {
    /// What the hashing of this object came to, or how far it is; begins it where nobody has.
    ///
    /// # Errors
    /// See [`WorkError`].
    async fn digest(
        &self,
        object: PinnedObject,
        urgency: Urgency,
    ) -> Result<WorkProgress<HashOutcome>, WorkError>;

    /// Has the store put the parts of an upload together, and waits for it
    /// ([`RawStorageRepository::complete`](super::RawStorageRepository::complete)). `parts` are all
    /// of the upload, ascending.
    ///
    /// # Errors
    /// See [`WorkError`].
    async fn complete(
        &self,
        upload: OpenUpload,
        parts: Vec<DeclaredPart>,
    ) -> Result<WorkProgress<CompletionOutcome>, WorkError>;

    /// Has the store drop all parts of an upload, unless an object is at its address, and waits for
    /// it.
    ///
    /// # Errors
    /// See [`WorkError`].
    async fn abort(&self, upload: OpenUpload) -> Result<WorkProgress<AbortOutcome>, WorkError>;

    /// What reading the object of a registered asset again came to, or how far it is; begins it
    /// where nobody has and the latest verdict is not fresh
    /// ([`verify_object`](super::verify_object)). The verdict and its event are recorded also when
    /// the caller has gone; they are in the name of who asked first.
    ///
    /// # Errors
    /// See [`WorkError`].
    async fn verify(
        &self,
        order: VerificationOrder,
        urgency: Urgency,
    ) -> Result<WorkProgress<Verification>, WorkError>;
}
