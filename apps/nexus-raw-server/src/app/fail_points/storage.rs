use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    asset::{BucketName, ObjectAddress},
    ports::{
        DownloadTerms, HashOutcome, PinnedObject, PresignedDownload, PresignedUpload,
        RawStorageRepository, StorageError, StoreCapabilities, StoredObject, UploadTerms,
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
