use std::time::Duration;

use super::{RawStorageRepository, StorageError};
use crate::{
    asset::{AssetId, ByteSize, ObjectAddress, PartNumber, UploadId, UploadIntent},
    tenancy::Scope,
    time::Timestamp,
};

/// An upload in parts that was begun in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenUpload {
    /// Whose asset it is.
    pub scope: Scope,
    /// The asset.
    pub asset_id: AssetId,
    /// Where its object will be.
    pub address: ObjectAddress,
    /// The length of the whole.
    pub size_bytes: ByteSize,
    /// The store's id of it.
    pub upload_id: UploadId,
}

impl OpenUpload {
    /// The upload of this intent under this id.
    #[must_use]
    pub fn of(intent: &UploadIntent, upload_id: UploadId) -> Self {
        Self {
            scope: intent.scope.clone(),
            asset_id: intent.asset_id,
            address: intent.address.clone(),
            size_bytes: intent.facts.size_bytes,
            upload_id,
        }
    }
}

/// What the URLs of parts are to be good for.
#[derive(Debug, Clone, Copy)]
pub struct PartTerms<'a> {
    /// The upload that the parts belong to.
    pub upload: &'a OpenUpload,
    /// The time of signing.
    pub now: Timestamp,
    /// The longest life of a URL; whole seconds.
    pub ttl: Duration,
    /// The latest end of a URL: the intent's end.
    pub not_after: Timestamp,
}

/// A part that the store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPart {
    /// Its number.
    pub number: PartNumber,
    /// Its length.
    pub size_bytes: u64,
    /// Its entity tag, without quotes.
    pub etag: String,
}

/// The outcome of listing the parts of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartsListing {
    /// The parts, ascending.
    Parts(Vec<StoredPart>),
    /// The store knows no such upload: it was completed or aborted.
    UnknownUpload,
}

/// An upload in parts that a store lists as open, at the key of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUpload {
    /// Whose asset the key is of.
    pub scope: Scope,
    /// The asset.
    pub asset_id: AssetId,
    /// Where the object would be.
    pub address: ObjectAddress,
    /// The store's id of it.
    pub upload_id: UploadId,
}

/// A page of the uploads in parts that a store lists as open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenUploads {
    /// Those at keys of assets; others are left out.
    pub uploads: Vec<ListedUpload>,
    /// Where the next page begins, if there is one.
    pub next: Option<UploadsMarker>,
}

/// The last key and upload id of a page, as the store names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadsMarker {
    /// The key.
    pub key: String,
    /// The id.
    pub upload_id: String,
}

/// The outcome of completing an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompletionOutcome {
    /// The object is at its address; or one was there before, which a lookup shows.
    Completed,
    /// Some parts are not there, or not as declared; nothing was completed. Ascending.
    MissingParts(Vec<PartNumber>),
    /// The store knows no such upload, and nothing is at its address: its parts are lost.
    UnknownUpload,
}

/// The outcome of aborting an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortOutcome {
    /// Nothing is left of it in the store.
    Aborted,
    /// An object is at its address: it was completed.
    Completed,
}

/// Aborts an upload, unless it was completed: the object is looked for before and after, since a
/// completion whose answer was lost may end at any time.
///
/// # Errors
/// If the store did not answer.
pub async fn abort_unless_completed(
    storage: &dyn RawStorageRepository,
    upload: &OpenUpload,
) -> Result<AbortOutcome, StorageError> {
    if storage.stat(&upload.address).await?.is_some() {
        return Ok(AbortOutcome::Completed);
    }
    storage.abort(upload).await?;
    Ok(match storage.stat(&upload.address).await? {
        Some(_) => AbortOutcome::Completed,
        None => AbortOutcome::Aborted,
    })
}
