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

use super::{FailPoints, Point};

#[derive(Debug)]
pub(super) struct StorageWithPoints {
    pub(super) inner: Arc<dyn RawStorageRepository>,
    pub(super) points: FailPoints,
}

#[async_trait]
impl RawStorageRepository for StorageWithPoints {
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
        let signed = self.inner.presign_upload(terms).await;
        self.points.reached(Point::AfterSigning);
        signed
    }

    async fn begin_upload(&self, intent: &UploadIntent) -> Result<UploadId, StorageError> {
        let answer = self.inner.begin_upload(intent).await;
        self.points.reached(Point::AfterBegin);
        answer
    }

    async fn presign_parts<'a>(
        &self,
        terms: PartTerms<'a>,
        parts: &'a [DeclaredPart],
    ) -> Result<Vec<PresignedUpload>, StorageError> {
        let answer = self.inner.presign_parts(terms, parts).await;
        self.points.reached(Point::AfterSigning);
        answer
    }

    async fn stored_parts(
        &self,
        upload: &OpenUpload,
        after: u16,
        limit: u16,
    ) -> Result<PartsListing, StorageError> {
        self.inner.stored_parts(upload, after, limit).await
    }

    async fn complete(
        &self,
        upload: &OpenUpload,
        parts: &[DeclaredPart],
    ) -> Result<CompletionOutcome, StorageError> {
        let answer = self.inner.complete(upload, parts).await;
        self.points.reached(Point::AfterCompletion);
        answer
    }

    async fn abort(&self, upload: &OpenUpload) -> Result<(), StorageError> {
        let answer = self.inner.abort(upload).await;
        self.points.reached(Point::AfterAbort);
        answer
    }

    async fn open_uploads(
        &self,
        after: Option<UploadsMarker>,
    ) -> Result<OpenUploads, StorageError> {
        self.inner.open_uploads(after).await
    }

    async fn presign_download<'a>(
        &self,
        terms: DownloadTerms<'a>,
    ) -> Result<PresignedDownload, StorageError> {
        let signed = self.inner.presign_download(terms).await;
        self.points.reached(Point::AfterSigning);
        signed
    }

    async fn stat(&self, address: &ObjectAddress) -> Result<Option<StoredObject>, StorageError> {
        let stored = self.inner.stat(address).await;
        self.points.reached(Point::AfterHead);
        stored
    }

    async fn hash(&self, object: &PinnedObject) -> Result<HashOutcome, StorageError> {
        self.inner.hash(object).await
    }

    async fn ready(&self) -> Result<(), StorageError> {
        self.inner.ready().await
    }
}
