//! A store of one's own: objects in a directory of this machine, uploaded over HTTP by signed URLs.
//!
//! It shows what the port requires of a store. On one machine take `nexus-raw-embedded-s3` instead,
//! which also bounds connections, bodies and time.

mod objects;
mod server;
mod signature;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use nexus_raw::{
    asset::{BucketName, DeclaredPart, ObjectAddress, UploadId, UploadIntent},
    ports::{
        Clock, CompletionOutcome, DownloadTerms, HashOutcome, OpenUpload, OpenUploads, PartTerms,
        PartsListing, PinnedObject, PresignedDownload, PresignedUpload, RawStorageRepository,
        SignedUrl, StorageError, StoreCapabilities, StoredObject, UploadTerms, UploadsMarker,
    },
};
use tokio::task::{JoinHandle, spawn_blocking};

use self::{objects::Objects, signature::Signer};

/// The store and its HTTP server, which ends when this is dropped.
#[derive(Debug)]
pub struct DirectoryStore {
    bucket: BucketName,
    address: SocketAddr,
    objects: Arc<Objects>,
    signer: Arc<Signer>,
    server: JoinHandle<()>,
}

impl DirectoryStore {
    /// Opens the store in a directory that is there, and serves uploads at a free port of loopback.
    /// `secret` signs URLs, which end by `clock`.
    ///
    /// # Errors
    /// When the directory cannot be used, or there is no port.
    pub async fn open(
        directory: PathBuf,
        bucket: BucketName,
        secret: &[u8],
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let objects = Arc::new(Objects::open(directory)?);
        let signer = Arc::new(Signer::new(secret)?);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let server = server::Server {
            objects: objects.clone(),
            signer: signer.clone(),
            clock,
        };
        Ok(Self {
            bucket,
            address,
            objects,
            signer,
            server: tokio::spawn(server.run(listener)),
        })
    }

    fn served(&self, address: &ObjectAddress) -> Result<String, StorageError> {
        if address.bucket == self.bucket {
            Ok(signature::path(address))
        } else {
            Err(StorageError::ForeignBucket)
        }
    }
}

impl Drop for DirectoryStore {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[async_trait]
impl RawStorageRepository for DirectoryStore {
    fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// Known without a probe, since the server is our own.
    fn capabilities(&self) -> StoreCapabilities {
        StoreCapabilities {
            enforces_sha256: true,
            keeps_octet_stream: true,
            honours_response_headers: true,
            proves_parts: false,
        }
    }

    async fn presign_upload<'a>(
        &self,
        terms: UploadTerms<'a>,
    ) -> Result<PresignedUpload, StorageError> {
        self.served(&terms.intent.address)?;
        let signed = self.signer.sign(self.address, &terms);
        Ok(PresignedUpload {
            method: "PUT",
            url: SignedUrl::new(signed.url),
            headers: signed.headers,
            expires_at: signed.expires_at,
        })
    }

    async fn begin_upload(&self, _intent: &UploadIntent) -> Result<UploadId, StorageError> {
        Err(no_parts())
    }

    async fn presign_parts<'a>(
        &self,
        _terms: PartTerms<'a>,
        _parts: &'a [DeclaredPart],
    ) -> Result<Vec<PresignedUpload>, StorageError> {
        Err(no_parts())
    }

    async fn stored_parts(
        &self,
        _upload: &OpenUpload,
        _after: u16,
        _limit: u16,
    ) -> Result<PartsListing, StorageError> {
        Err(no_parts())
    }

    async fn complete(
        &self,
        _upload: &OpenUpload,
        _parts: &[DeclaredPart],
    ) -> Result<CompletionOutcome, StorageError> {
        Err(no_parts())
    }

    async fn abort(&self, _upload: &OpenUpload) -> Result<(), StorageError> {
        Err(no_parts())
    }

    async fn open_uploads(
        &self,
        _after: Option<UploadsMarker>,
    ) -> Result<OpenUploads, StorageError> {
        Err(no_parts())
    }

    async fn presign_download<'a>(
        &self,
        terms: DownloadTerms<'a>,
    ) -> Result<PresignedDownload, StorageError> {
        self.served(terms.asset.address())?;
        let (url, expires_at) = self.signer.sign_download(self.address, &terms);
        Ok(PresignedDownload {
            method: "GET",
            url: SignedUrl::new(url),
            expires_at,
        })
    }

    async fn stat(&self, address: &ObjectAddress) -> Result<Option<StoredObject>, StorageError> {
        let path = self.served(address)?;
        let objects = self.objects.clone();
        blocking(move || objects.stat(&path)).await
    }

    async fn hash(&self, object: &PinnedObject) -> Result<HashOutcome, StorageError> {
        let path = self.served(&object.address)?;
        let (objects, object) = (self.objects.clone(), object.clone());
        blocking(move || objects.hash(&path, &object)).await
    }

    async fn ready(&self) -> Result<(), StorageError> {
        let objects = self.objects.clone();
        blocking(move || objects.ready()).await
    }
}

/// An engine on this store asks for uploads by one request alone.
fn no_parts() -> StorageError {
    StorageError::Unavailable("this store takes no uploads in parts".into())
}

/// Reads from the disk, for 4 s at most: the port wants an answer within a bounded time.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StorageError> {
    let unavailable = |error: io::Error| StorageError::Unavailable(error.into());
    tokio::time::timeout(std::time::Duration::from_secs(4), spawn_blocking(read))
        .await
        .map_err(|error| unavailable(error.into()))?
        .map_err(|error| unavailable(error.into()))?
        .map_err(unavailable)
}
