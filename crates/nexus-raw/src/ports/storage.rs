use std::{collections::BTreeMap, fmt, time::Duration};

use async_trait::async_trait;

use super::{
    CompletionOutcome, OpenUpload, OpenUploads, PartTerms, PartsListing, StorageError,
    UploadsMarker,
};
use crate::{
    asset::{
        AssetId, BucketName, ByteSize, DeclaredPart, Disposition, ObjectAddress, RawAsset,
        Sha256Digest, UploadId, UploadIntent,
    },
    tenancy::Scope,
    time::Timestamp,
};

/// A URL that carries a signature: anyone who has it may use it. Its `Debug` form is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedUrl(String);

impl SignedUrl {
    /// Takes a URL with its signature.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self(url)
    }

    /// The URL with its signature, for the caller that it was made for and nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SignedUrl(redacted)")
    }
}

/// What an upload URL is to be good for: this intent's content, at this intent's address, from
/// now for at most `ttl`, and never after the intent's end.
#[derive(Debug, Clone, Copy)]
pub struct UploadTerms<'a> {
    /// The content, the address, the metadata.
    pub intent: &'a UploadIntent,
    /// The digest of the content.
    pub sha256: Sha256Digest,
    /// The time of signing.
    pub now: Timestamp,
    /// The longest life of the URL; whole seconds.
    pub ttl: Duration,
}

/// A signed request that uploads one content to one key, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedUpload {
    /// The HTTP method to use.
    pub method: &'static str,
    /// The URL to send it to.
    pub url: SignedUrl,
    /// Exactly the headers that the client must add, in lower case, in alphabetical order; all
    /// are signed: `content-type`, `if-none-match: *`, `x-amz-checksum-sha256` in base64, and
    /// [`UploadIntent::object_metadata`] as `x-amz-meta-*`, in every store. `host` and
    /// `content-length` are signed too, and added by the HTTP client. Some clients leave out the
    /// `content-length` of an empty body; with them, set it.
    pub headers: Vec<(String, String)>,
    /// When the URL ends; whole seconds.
    pub expires_at: Timestamp,
}

/// What a download URL is to be good for: this asset's object, from now for at most `ttl`.
#[derive(Debug, Clone, Copy)]
pub struct DownloadTerms<'a> {
    /// The record: where its object is, and its version, type and name.
    pub asset: &'a RawAsset,
    /// What a browser is to do with it.
    pub disposition: Disposition,
    /// The time of signing.
    pub now: Timestamp,
    /// The longest life of the URL; whole seconds.
    pub ttl: Duration,
    /// The latest end of the URL, if there is one; whole seconds.
    pub not_after: Option<Timestamp>,
}

/// A signed request that downloads one object. It needs no header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedDownload {
    /// The HTTP method to use.
    pub method: &'static str,
    /// The URL to send it to.
    pub url: SignedUrl,
    /// When the URL ends; whole seconds.
    pub expires_at: Timestamp,
}

/// What a store reports of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Its length.
    pub size_bytes: u64,
    /// Its media type, byte for byte.
    pub content_type: Option<String>,
    /// The SHA-256 of the whole object, where the store keeps one.
    pub sha256: Option<Sha256Digest>,
    /// The composite digest of the object's parts, where it was uploaded in parts and the store
    /// keeps one.
    pub composite: Option<CompositeDigest>,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its version, where the bucket is versioned.
    pub version_id: Option<String>,
    /// Its user metadata, names in lower case without `x-amz-meta-`.
    pub user_metadata: BTreeMap<String, String>,
    /// The names of headers that it carries and that no upload of ours has: `content-encoding`,
    /// `content-disposition`, `content-language`, `x-amz-website-redirect-location`. Never
    /// `cache-control`, `pragma` or `expires`, which browsers add to an upload by themselves.
    pub foreign_headers: Vec<&'static str>,
}

/// The digest of an object that was uploaded in parts, see
/// [`DeclaredPart::composite_sha256`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompositeDigest {
    /// SHA-256 over the digests of the parts.
    pub sha256: Sha256Digest,
    /// The number of parts.
    pub parts: u16,
}

/// Exactly one object: the one at an asset's address under this entity tag and, where the
/// bucket is versioned, as this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedObject {
    /// Whose asset it is.
    pub scope: Scope,
    /// The asset.
    pub asset_id: AssetId,
    /// Where it is.
    pub address: ObjectAddress,
    /// Its length; no more than that is ever read of it.
    pub size_bytes: ByteSize,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its version, where the bucket is versioned.
    pub version_id: Option<String>,
}

impl PinnedObject {
    /// What was found for `intent`, of the declared length.
    #[must_use]
    pub fn of(intent: &UploadIntent, found: &StoredObject) -> Self {
        Self {
            scope: intent.scope.clone(),
            asset_id: intent.asset_id,
            address: intent.address.clone(),
            size_bytes: intent.facts.size_bytes,
            etag: found.etag.clone(),
            version_id: found.version_id.clone(),
        }
    }

    /// What the record pins.
    #[must_use]
    pub fn of_record(asset: &RawAsset) -> Self {
        let integrity = asset.integrity();
        Self {
            scope: asset.scope().clone(),
            asset_id: asset.asset_id(),
            address: asset.address().clone(),
            size_bytes: asset.facts().size_bytes,
            etag: integrity.etag.clone(),
            version_id: integrity.version_id.clone(),
        }
    }
}

/// The outcome of hashing an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashOutcome {
    /// The SHA-256 of all its bytes.
    Hashed(Sha256Digest),
    /// Another object is at its address.
    Replaced,
    /// Nothing is at its address, or no longer this version.
    Gone,
}

/// What the start-up probe found out about the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own with the answer yes or no"
)]
pub struct StoreCapabilities {
    /// The store refused bytes that did not match their signed SHA-256; only then is a digest
    /// that it reports believed.
    pub enforces_sha256: bool,
    /// The store answers `application/octet-stream` for what was uploaded as such. Where it
    /// guesses a type from the key's ending instead, that one type is not compared: the signed
    /// header has bound it.
    pub keeps_octet_stream: bool,
    /// The store answers a download with the type, disposition and cache rule that its URL was
    /// signed with (`response-*`), in the place of what the object has.
    pub honours_response_headers: bool,
    /// The store refused a part that did not match its signed SHA-256, and answers the composite
    /// digest of a completed object; only then is that digest believed.
    pub proves_parts: bool,
}

/// The object store, as far as it is needed: signs an upload or a download, says what is at a
/// key, reads an object in order to hash it.
///
/// Implemented by `S3RawStorageRepository`; called by
/// [`RawStorageService`](crate::service::RawStorageService) and by what implements
/// [`ObjectWorker`](super::ObjectWorker). An implementation exists only
/// once the store was probed, or is part of the store. It never lists objects, never deletes one,
/// never writes an asset's bytes.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RawStorageRepository: fmt::Debug + Send + Sync + 'static {
    /// The bucket that new assets go to.
    fn bucket(&self) -> &BucketName;

    /// What the start-up probe saw, or the store is built to do.
    fn capabilities(&self) -> StoreCapabilities;

    /// Signs one upload. The store itself must refuse, by the signature or by a condition it
    /// checks: another length, media type, SHA-256, key, bucket or method; a header removed or
    /// added; metadata other than [`UploadIntent::object_metadata`]; a second write to the key;
    /// any use after `expires_at`, which is the earliest of `now + ttl`, the intent's end and
    /// the end of the signing credentials.
    ///
    /// # Errors
    /// [`StorageError::CredentialsEnding`] when the credentials have less than 60 s left,
    /// [`StorageError::Unavailable`] when there are none.
    async fn presign_upload<'a>(
        &self,
        terms: UploadTerms<'a>,
    ) -> Result<PresignedUpload, StorageError>;

    /// Begins an upload in parts of this intent's object, with its content type and
    /// [`UploadIntent::object_metadata`]. The parts are to have SHA-256 digests.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it is not known whether one was begun.
    async fn begin_upload(&self, intent: &UploadIntent) -> Result<UploadId, StorageError>;

    /// Signs the upload of these parts, in this order. The store itself must refuse, by the
    /// signature: another length or SHA-256 of a part, another part, another upload, any use after
    /// `expires_at`, which is the earliest of `now + ttl`, `not_after` and the end of the signing
    /// credentials.
    ///
    /// # Errors
    /// As [`Self::presign_upload`].
    async fn presign_parts<'a>(
        &self,
        terms: PartTerms<'a>,
        parts: &'a [DeclaredPart],
    ) -> Result<Vec<PresignedUpload>, StorageError>;

    /// The parts of an upload that the store holds, with a number above `after`, at most `limit`
    /// (1 to 1,000).
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] whenever the store gave no clear answer.
    async fn stored_parts(
        &self,
        upload: &OpenUpload,
        after: u16,
        limit: u16,
    ) -> Result<PartsListing, StorageError>;

    /// Puts the parts of an upload together, unless an object is at its address. `parts` are all of
    /// the upload, ascending; each must be there with the length and, as far as the store keeps
    /// them, the digest it was declared with. An object that is at the address already is
    /// [`CompletionOutcome::Completed`], whoever wrote it.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it is not known whether it was completed.
    async fn complete(
        &self,
        upload: &OpenUpload,
        parts: &[DeclaredPart],
    ) -> Result<CompletionOutcome, StorageError>;

    /// Drops all parts of an upload. One that the store does not know is no error.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it is not known whether it was aborted.
    async fn abort(&self, upload: &OpenUpload) -> Result<(), StorageError>;

    /// A page of the uploads in parts that are open in the served bucket, at keys of assets. What
    /// is begun or ended meanwhile may be missing.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] whenever the store gave no clear answer.
    async fn open_uploads(&self, after: Option<UploadsMarker>)
    -> Result<OpenUploads, StorageError>;

    /// Signs one download. The URL is of exactly the version that the record pins, where it pins
    /// one, and has the store answer the record's type, [`Disposition::header`] of its name and
    /// `Cache-Control: private, no-store`. It ends at the earliest of `now + ttl`,
    /// `not_after` and the end of the signing credentials.
    ///
    /// # Errors
    /// [`StorageError::CredentialsEnding`] when the credentials have less than 60 s left,
    /// [`StorageError::Unavailable`] when there are none, [`StorageError::ForeignBucket`] when the
    /// object is in a bucket that is not served.
    async fn presign_download<'a>(
        &self,
        terms: DownloadTerms<'a>,
    ) -> Result<PresignedDownload, StorageError>;

    /// What the store holds at `address` now; `None` when it holds nothing. Answers within a
    /// bounded time.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] whenever the store gave no clear answer; a refusal (403) is
    /// no absence.
    async fn stat(&self, address: &ObjectAddress) -> Result<Option<StoredObject>, StorageError>;

    /// Reads exactly this object to its end and hashes it. The store is asked for it by entity
    /// tag and version, so that what is hashed is what was pinned: one that was replaced or
    /// deleted is reported as such and not read. Holds a bounded piece of it in memory at a time;
    /// takes as long as the object's bytes keep coming, and gives up a stream that stalls.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the store did not give the whole object.
    async fn hash(&self, object: &PinnedObject) -> Result<HashOutcome, StorageError>;

    /// Whether the store answers, by the cheapest request that shows it.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it does not.
    async fn ready(&self) -> Result<(), StorageError>;
}
