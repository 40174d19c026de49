use std::{fmt, sync::Arc};

use async_trait::async_trait;
use nexus_raw::{
    asset::{BucketName, ObjectAddress},
    ports::{
        DownloadTerms, HashOutcome, PinnedObject, PresignedDownload, PresignedUpload,
        RawStorageRepository, StorageError, StoreCapabilities, StoredObject, UploadTerms,
    },
};

use crate::{
    clock_offset::ClockOffset,
    failure::RequestFailure,
    hash,
    signing::{Download, Lifetime, Upload},
    stat::stored_object,
    store::Store,
};

/// The [`RawStorageRepository`] on S3: one bucket that passed the start-up probe.
///
/// Only [`UnprobedS3::probe`](crate::UnprobedS3::probe) creates it.
pub struct S3RawStorageRepository {
    store: Arc<Store>,
    capabilities: StoreCapabilities,
    notes: Vec<String>,
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
        }
    }

    /// Returns the probe's notes for the operator, to be logged once.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
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
        if terms.intent.address.bucket != *self.store.bucket() {
            return Err(StorageError::ForeignBucket);
        }
        let credentials = self.store.credentials.current();
        let ends_at = Some(terms.intent.ends_at);
        let lifetime = Lifetime::within(terms.now, terms.ttl, ends_at, credentials.expiry())?;
        let signed = self
            .store
            .signer
            .sign_upload(&Upload::of(terms.intent), lifetime, credentials)
            .map_err(|failure| StorageError::Unavailable(Box::new(failure)))?;
        Ok(PresignedUpload {
            method: "PUT",
            url: signed.url,
            headers: signed.headers,
            expires_at: lifetime.expires_at(),
        })
    }

    async fn presign_download<'a>(
        &self,
        terms: DownloadTerms<'a>,
    ) -> Result<PresignedDownload, StorageError> {
        if terms.asset.address().bucket != *self.store.bucket() {
            return Err(StorageError::ForeignBucket);
        }
        let credentials = self.store.credentials.current();
        let end = credentials.expiry();
        let lifetime = Lifetime::within(terms.now, terms.ttl, terms.not_after, end)?;
        let url = self
            .store
            .signer
            .sign_download(&Download::of(&terms), lifetime, credentials)
            .map_err(|failure| StorageError::Unavailable(Box::new(failure)))?;
        Ok(PresignedDownload {
            method: "GET",
            url,
            expires_at: lifetime.expires_at(),
        })
    }

    async fn stat(&self, address: &ObjectAddress) -> Result<Option<StoredObject>, StorageError> {
        if address.bucket != *self.store.bucket() {
            return Err(StorageError::ForeignBucket);
        }
        let head = self.store.head(address.key.as_str()).await?;
        Ok(head.as_ref().map(stored_object).transpose()?)
    }

    async fn hash(&self, object: &PinnedObject) -> Result<HashOutcome, StorageError> {
        if object.address.bucket != *self.store.bucket() {
            return Err(StorageError::ForeignBucket);
        }
        Ok(hash::hash(&self.store, object).await?)
    }

    async fn ready(&self) -> Result<(), StorageError> {
        let owner = self.store.settings.expected_bucket_owner.as_deref();
        Ok(self.store.head_bucket(owner).await?)
    }
}
