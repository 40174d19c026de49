use std::time::Duration;

use async_trait::async_trait;
use nexus_raw::{
    asset::{DeclaredPart, ObjectAddress, Sha256Digest, UploadIntent},
    ports::{
        AssetWriter, OpenUpload, PartTerms, PresignedUpload, RawStorageRepository as _,
        StorageError, UploadTerms, WriteOutcome,
    },
};

use super::{FakeStore, PutOutcome, StoreTakenDown};

const TTL: Duration = Duration::from_mins(1);

impl FakeStore {
    async fn write(
        &self,
        upload: &PresignedUpload,
        content: &[u8],
    ) -> Result<WriteOutcome, StorageError> {
        tokio::task::yield_now().await;
        match self.upload(upload, content) {
            PutOutcome::Stored => Ok(WriteOutcome::Written),
            PutOutcome::PreconditionFailed => Ok(WriteOutcome::Taken),
            _ => Err(StorageError::Unavailable(Box::new(StoreTakenDown))),
        }
    }
}

#[async_trait]
impl AssetWriter for FakeStore {
    async fn put_object(
        &self,
        intent: &UploadIntent,
        sha256: Sha256Digest,
        content: Vec<u8>,
    ) -> Result<WriteOutcome, StorageError> {
        let terms = UploadTerms {
            intent,
            sha256,
            now: self.clock.now(),
            ttl: TTL,
        };
        let upload = self.presign_upload(terms).await?;
        self.write(&upload, &content).await
    }

    async fn put_part(
        &self,
        upload: &OpenUpload,
        part: DeclaredPart,
        content: Vec<u8>,
    ) -> Result<(), StorageError> {
        let now = self.clock.now();
        let terms = PartTerms {
            upload,
            now,
            ttl: TTL,
            not_after: now.saturating_add(TTL),
        };
        for upload in self.presign_parts(terms, &[part]).await? {
            self.write(&upload, &content).await?;
        }
        Ok(())
    }

    async fn abort_all(&self, address: &ObjectAddress) -> Result<(), StorageError> {
        tokio::task::yield_now().await;
        let mut state = self.state();
        state.serves(&self.bucket, address)?;
        state.uploads.retain(|_, upload| !upload.is_at(address));
        Ok(())
    }
}
