use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    asset::{BucketName, DeclaredPart, ObjectAddress, UploadId, UploadIntent},
    ports::{
        CompletionOutcome, DownloadTerms, HashOutcome, OpenUpload, OpenUploads, PartTerms,
        PartsListing, PinnedObject, PresignedDownload, PresignedUpload, RawStorageRepository,
        StorageError, StoreCapabilities, StoredObject, UploadTerms, UploadsMarker,
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

    async fn begin_upload(&self, intent: &UploadIntent) -> Result<UploadId, StorageError> {
        let call = self.inner.begin_upload(intent);
        self.calls.time("begin_upload", call).await
    }

    async fn presign_parts<'a>(
        &self,
        terms: PartTerms<'a>,
        parts: &'a [DeclaredPart],
    ) -> Result<Vec<PresignedUpload>, StorageError> {
        let call = self.inner.presign_parts(terms, parts);
        self.calls.time("presign_parts", call).await
    }

    async fn stored_parts(
        &self,
        upload: &OpenUpload,
        after: u16,
        limit: u16,
    ) -> Result<PartsListing, StorageError> {
        let call = self.inner.stored_parts(upload, after, limit);
        self.calls.time("stored_parts", call).await
    }

    async fn complete(
        &self,
        upload: &OpenUpload,
        parts: &[DeclaredPart],
    ) -> Result<CompletionOutcome, StorageError> {
        let call = self.inner.complete(upload, parts);
        self.calls.time("complete", call).await
    }

    async fn abort(&self, upload: &OpenUpload) -> Result<(), StorageError> {
        let call = self.inner.abort(upload);
        self.calls.time("abort", call).await
    }

    async fn open_uploads(
        &self,
        after: Option<UploadsMarker>,
    ) -> Result<OpenUploads, StorageError> {
        let call = self.inner.open_uploads(after);
        self.calls.time("open_uploads", call).await
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
