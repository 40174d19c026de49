use std::{fmt, num::NonZeroU64, sync::Arc};

use async_trait::async_trait;
use nexus_raw::{
    asset::{BucketName, DeclaredPart, ObjectAddress, UploadId, UploadIntent},
    ports::{
        CompletionOutcome, DownloadTerms, HashOutcome, OpenUpload, OpenUploads, PartTerms,
        PartsListing, PinnedObject, PresignedDownload, PresignedUpload, RawStorageRepository,
        StorageError, StoreCapabilities, StoredObject, UploadTerms, UploadsMarker,
    },
};

use crate::{
    clock_offset::ClockOffset,
    failure::RequestFailure,
    hash,
    multipart::{self, NewUpload, UploadRef},
    signing::{Download, Lifetime, PartUpload, SignedUpload, Upload},
    stat::stored_object,
    store::Store,
};

/// The [`RawStorageRepository`] on S3: one bucket that passed the start-up probe.
///
/// Only [`UnprobedS3::probe`](crate::UnprobedS3::probe) creates it.
pub struct S3RawStorageRepository {
    pub(crate) store: Arc<Store>,
    capabilities: StoreCapabilities,
    notes: Vec<String>,
    bytes_per_second: Option<NonZeroU64>,
}

impl S3RawStorageRepository {
    pub(crate) fn new(
        store: Arc<Store>,
        capabilities: StoreCapabilities,
        notes: Vec<String>,
    ) -> Self {
        Self {
            store,
            capabilities,
            notes,
            bytes_per_second: None,
        }
    }

    /// Reads each object at no more than this rate. Objects that are read at once do not share it.
    #[must_use]
    pub fn with_read_rate(mut self, bytes_per_second: NonZeroU64) -> Self {
        self.bytes_per_second = Some(bytes_per_second);
        self
    }

    /// Returns the probe's notes for the operator, to be logged once.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What an unproved bucket says is not believed.
    pub(crate) fn check_bucket(&self, address: &ObjectAddress) -> Result<(), StorageError> {
        if address.bucket == *self.store.bucket() {
            Ok(())
        } else {
            Err(StorageError::ForeignBucket)
        }
    }

    /// Returns the live offset between this machine's clock and the store's.
    #[must_use]
    pub fn clock_offset(&self) -> ClockOffset {
        self.store.clock_offset.clone()
    }
}

impl fmt::Debug for S3RawStorageRepository {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("S3RawStorageRepository")
            .field("bucket", self.store.bucket())
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

impl From<RequestFailure> for StorageError {
    fn from(failure: RequestFailure) -> Self {
        Self::Unavailable(Box::new(failure))
    }
}

fn presigned(signed: SignedUpload, lifetime: Lifetime) -> PresignedUpload {
    PresignedUpload {
        method: "PUT",
        url: signed.url,
        headers: signed.headers,
        expires_at: lifetime.expires_at(),
    }
}

#[async_trait]
impl RawStorageRepository for S3RawStorageRepository {
    fn bucket(&self) -> &BucketName {
        self.store.bucket()
    }

    fn capabilities(&self) -> StoreCapabilities {
        self.capabilities
    }

    async fn presign_upload<'a>(
        &self,
        terms: UploadTerms<'a>,
    ) -> Result<PresignedUpload, StorageError> {
        self.check_bucket(&terms.intent.address)?;
        let credentials = self.store.credentials.current();
        let ends_at = Some(terms.intent.ends_at);
        let lifetime = Lifetime::within(terms.now, terms.ttl, ends_at, credentials.expiry())?;
        let signed = self
            .store
            .signer
            .sign_upload(Upload::of(&terms), lifetime, &credentials)
            .map_err(|failure| StorageError::Unavailable(Box::new(failure)))?;
        Ok(presigned(signed, lifetime))
    }

    async fn begin_upload(&self, intent: &UploadIntent) -> Result<UploadId, StorageError> {
        self.check_bucket(&intent.address)?;
        Ok(self.store.begin_upload(&NewUpload::of(intent)).await?)
    }

    async fn presign_parts<'a>(
        &self,
        terms: PartTerms<'a>,
        parts: &'a [DeclaredPart],
    ) -> Result<Vec<PresignedUpload>, StorageError> {
        let upload = terms.upload;
        self.check_bucket(&upload.address)?;
        let credentials = self.store.credentials.current();
        let ends_at = Some(terms.not_after);
        let lifetime = Lifetime::within(terms.now, terms.ttl, ends_at, credentials.expiry())?;
        let sign = |part: &DeclaredPart| {
            let part = PartUpload {
                key: upload.address.key.as_str(),
                upload_id: &upload.upload_id,
                part: *part,
            };
            let signed = self
                .store
                .signer
                .sign_part(&part, lifetime, &credentials)
                .map_err(|failure| StorageError::Unavailable(Box::new(failure)))?;
            Ok(presigned(signed, lifetime))
        };
        parts.iter().map(sign).collect()
    }

    async fn stored_parts(
        &self,
        upload: &OpenUpload,
        after: u16,
        limit: u16,
    ) -> Result<PartsListing, StorageError> {
        self.check_bucket(&upload.address)?;
        Ok(multipart::stored_parts(&self.store, upload, after, limit).await?)
    }

    async fn complete(
        &self,
        upload: &OpenUpload,
        parts: &[DeclaredPart],
    ) -> Result<CompletionOutcome, StorageError> {
        self.check_bucket(&upload.address)?;
        Ok(multipart::complete(&self.store, upload, parts).await?)
    }

    async fn abort(&self, upload: &OpenUpload) -> Result<(), StorageError> {
        self.check_bucket(&upload.address)?;
        Ok(self.store.abort_upload(UploadRef::of(upload)).await?)
    }

    async fn open_uploads(
        &self,
        after: Option<UploadsMarker>,
    ) -> Result<OpenUploads, StorageError> {
        Ok(multipart::open_uploads(&self.store, after).await?)
    }

    async fn presign_download<'a>(
        &self,
        terms: DownloadTerms<'a>,
    ) -> Result<PresignedDownload, StorageError> {
        self.check_bucket(terms.asset.address())?;
        let credentials = self.store.credentials.current();
        let end = credentials.expiry();
        let lifetime = Lifetime::within(terms.now, terms.ttl, terms.not_after, end)?;
        let url = self
            .store
            .signer
            .sign_download(&Download::of(&terms), lifetime, &credentials)
            .map_err(|failure| StorageError::Unavailable(Box::new(failure)))?;
        Ok(PresignedDownload {
            method: "GET",
            url,
            expires_at: lifetime.expires_at(),
        })
    }

    async fn stat(&self, address: &ObjectAddress) -> Result<Option<StoredObject>, StorageError> {
        self.check_bucket(address)?;
        let head = self.store.head(address.key.as_str()).await?;
        Ok(head.as_ref().map(stored_object).transpose()?)
    }

    async fn hash(&self, object: &PinnedObject) -> Result<HashOutcome, StorageError> {
        self.check_bucket(&object.address)?;
        Ok(hash::hash(&self.store, object, self.bytes_per_second).await?)
    }

    async fn ready(&self) -> Result<(), StorageError> {
        let owner = self.store.settings.expected_bucket_owner.as_deref();
        Ok(self.store.head_bucket(owner).await?)
    }
}
