use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    asset::{BucketName, ObjectAddress},
    ports::{
        DownloadTerms, HashOutcome, PinnedObject, PresignedDownload, PresignedUpload,
        RawStorageRepository, StorageError, StoreCapabilities, StoredObject, UploadTerms,
    },
};

use super::calls::Calls;

/// A store that measures its calls.
#[derive(Debug)]
pub(super) struct MeasuredStorage {
    inner: Arc<dyn RawStorageRepository>,
    calls: Calls,
}

impl MeasuredStorage {
    pub(super) fn new(inner: Arc<dyn RawStorageRepository>, calls: Calls) -> Self {
        Self { inner, calls }
    }
}

#[async_trait]
impl RawStorageRepository for MeasuredStorage {
    fn bucket(&self) -> &BucketName {
        self.inner.bucket()
    }

    fn capabilities(&self) -> StoreCapabilities {
        self.inner.capabilities()
    }

    async fn presign_upload<'a>(
        &self,
        terms: UploadTerms<'a>,
    ) -> Result<PresignedUpload, StorageError> {
        let call = self.inner.presign_upload(terms);
        self.calls.time("presign_upload", call).await
    }

    async fn presign_download<'a>(
        &self,
        terms: DownloadTerms<'a>,
    ) -> Result<PresignedDownload, StorageError> {
        let call = self.inner.presign_download(terms);
        self.calls.time("presign_download", call).await
    }

    async fn stat(&self, address: &ObjectAddress) -> Result<Option<StoredObject>, StorageError> {
        self.calls.time("stat", self.inner.stat(address)).await
    }

    async fn hash(&self, object: &PinnedObject) -> Result<HashOutcome, StorageError> {
        self.calls.time("hash", self.inner.hash(object)).await
    }

    async fn ready(&self) -> Result<(), StorageError> {
        self.calls.time("ready", self.inner.ready()).await
    }
}
