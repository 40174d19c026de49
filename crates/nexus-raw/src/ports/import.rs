//! Objects of another place, which are imported, and the writing of their bytes to keys of ours.

use std::fmt;

use async_trait::async_trait;

use super::{InventoryError, InventoryPage, NewAsset, OpenUpload, PageToken, StorageError};
use crate::{
    asset::{DeclaredPart, ObjectAddress, Sha256Digest, UploadIntent},
    time::Timestamp,
};

/// An object of the source, as its list has it: exactly this version, under this entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceObject {
    /// The key, which may be of any form.
    pub key: String,
    /// The version, where the source is versioned.
    pub version_id: Option<String>,
    /// Its entity tag, without quotes; empty only of an empty object, if the source has none of it.
    pub etag: String,
    /// Its length.
    pub size_bytes: u64,
    /// When it was written.
    pub modified_at: Timestamp,
}

/// The outcome of opening an object of the source.
#[derive(Debug)]
pub enum SourceOutcome {
    /// Exactly this object.
    Opened(OpenedSource),
    /// Another object is at its key.
    Replaced,
    /// Nothing is at its key, or no longer this version.
    Gone,
}

/// An object of the source whose content is about to be read.
pub struct OpenedSource {
    /// Its media type, as the source has it.
    pub content_type: Option<String>,
    /// Its content coding, as the source has it.
    pub content_encoding: Option<String>,
    /// Its bytes.
    pub content: Box<dyn SourceContent>,
}

impl fmt::Debug for OpenedSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OpenedSource")
            .field("content_type", &self.content_type)
            .field("content_encoding", &self.content_encoding)
            .finish_non_exhaustive()
    }
}

/// The bytes of an object of the source.
#[async_trait]
pub trait SourceContent: Send {
    /// Reads the next `bytes` bytes, fewer only at the end of the object. Gives up a stream that
    /// stalls.
    ///
    /// # Errors
    /// [`InventoryError::Unavailable`] when the source did not give them, also where the object has
    /// more or fewer bytes than its list says.
    async fn next(&mut self, bytes: usize) -> Result<Vec<u8>, InventoryError>;
}

/// The place that objects are imported from. Nothing is written there.
///
/// Implemented by `S3SourceBucket` and the fake of `nexus-raw-testkit`; called by
/// `nexus-raw-upkeep`.
#[async_trait]
pub trait SourceBucket: fmt::Debug + Send + Sync {
    /// A page of the objects, of each the latest version.
    ///
    /// # Errors
    /// See [`InventoryError`].
    async fn objects(
        &self,
        after: Option<&PageToken>,
    ) -> Result<InventoryPage<SourceObject>, InventoryError>;

    /// Opens exactly this object.
    ///
    /// # Errors
    /// See [`InventoryError`].
    async fn open(&self, object: &SourceObject) -> Result<SourceOutcome, InventoryError>;
}

/// The outcome of writing an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The object is at its address.
    Written,
    /// One was at its address before, perhaps by an attempt whose answer was lost; nothing was
    /// written.
    Taken,
}

/// Writes the bytes of imported assets to their addresses, by the requests that callers upload with.
///
/// Implemented by `S3RawStorageRepository` and the fake of `nexus-raw-testkit`; called by
/// `nexus-raw-upkeep`.
#[async_trait]
pub trait AssetWriter: fmt::Debug + Send + Sync {
    /// Writes the whole object of an intent, with its content type and
    /// [`UploadIntent::object_metadata`], unless one is there.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it is not known whether it was written.
    async fn put_object(
        &self,
        intent: &UploadIntent,
        sha256: Sha256Digest,
        content: Vec<u8>,
    ) -> Result<WriteOutcome, StorageError>;

    /// Writes one part of an upload that was begun.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it is not known whether it was written.
    async fn put_part(
        &self,
        upload: &OpenUpload,
        part: DeclaredPart,
        content: Vec<u8>,
    ) -> Result<(), StorageError>;

    /// Drops all uploads in parts that are open at an address.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it is not known whether all were dropped.
    async fn abort_all(&self, address: &ObjectAddress) -> Result<(), StorageError>;
}

/// An import to be written: a record, and its intent, which no caller has presigned.
#[derive(Debug, Clone, PartialEq)]
pub struct NewImport {
    /// The intent. Its digest is stated.
    pub intent: UploadIntent,
    /// The record and its event.
    pub new: NewAsset,
}
