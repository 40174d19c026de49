mod download;
mod grant;
mod outcome;
mod parts;
mod writer;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use nexus_raw::{
    asset::{BucketName, DeclaredPart, ObjectAddress, Sha256Digest, UploadId, UploadIntent},
    ports::{
        Clock, CompletionOutcome, DownloadTerms, HashOutcome, OpenUpload, OpenUploads, PartTerms,
        PartsListing, PinnedObject, PresignedDownload, PresignedUpload, RawStorageRepository,
        StorageError, StoreCapabilities, StoredObject, UploadTerms, UploadsMarker,
    },
    time::Timestamp,
};

pub use self::outcome::PutOutcome;
use self::{
    download::DownloadUrl,
    grant::Grant,
    parts::{PartGrant, PartsUpload},
};
use crate::{HttpRequest, s3::Answer};

/// An in-memory object store with the uploads of S3: it checks what it signed, and refuses and
/// accepts what S3 does, in the same order.
///
/// As a [`RawStorageRepository`] it signs for one bucket, with the time of the given clock.
#[derive(Debug)]
pub struct FakeStore {
    bucket: BucketName,
    clock: Arc<dyn Clock>,
    state: Mutex<StoreState>,
}

#[derive(Debug)]
struct StoreState {
    capabilities: StoreCapabilities,
    down: bool,
    versioned: bool,
    credentials_end: Option<Timestamp>,
    grants: HashMap<String, Grant>,
    objects: HashMap<ObjectAddress, StoredObject>,
    /// The actual bytes at each address.
    contents: HashMap<ObjectAddress, Vec<u8>>,
    downloads: HashMap<String, DownloadUrl>,
    uploads: HashMap<UploadId, PartsUpload>,
    part_grants: HashMap<String, PartGrant>,
    uploads_begun: u64,
    next_etag: u64,
    versions_given: u64,
    calls: StoreCalls,
}

/// The number of calls of each kind, including refused ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreCalls {
    /// Uploads signed.
    pub presign: u32,
    /// Downloads signed.
    pub presign_download: u32,
    /// Calls of `stat`.
    pub stat: u32,
    /// Objects read in order to be hashed.
    pub hash: u32,
    /// Uploads in parts that were completed, or tried to be.
    pub complete: u32,
    /// Requests over HTTP.
    pub http: u32,
}

/// The error of an unavailable fake.
#[derive(Debug, thiserror::Error)]
#[error("the test has taken the store down")]
struct StoreTakenDown;

impl FakeStore {
    /// An empty store that enforces SHA-256, keeps media types, and has no versions.
    #[must_use]
    pub fn new(bucket: BucketName, clock: Arc<dyn Clock>) -> Self {
        let state = StoreState {
            capabilities: StoreCapabilities {
                enforces_sha256: true,
                keeps_octet_stream: true,
                honours_response_headers: true,
                proves_parts: true,
            },
            down: false,
            versioned: false,
            credentials_end: None,
            grants: HashMap::new(),
            objects: HashMap::new(),
            contents: HashMap::new(),
            downloads: HashMap::new(),
            uploads: HashMap::new(),
            part_grants: HashMap::new(),
            uploads_begun: 0,
            next_etag: 0,
            versions_given: 0,
            calls: StoreCalls::default(),
        };
        Self {
            bucket,
            clock,
            state: Mutex::new(state),
        }
    }

    /// Sets the availability. While unavailable the port returns [`StorageError::Unavailable`], and
    /// HTTP 503.
    pub fn set_available(&self, available: bool) {
        self.state().down = !available;
    }

    /// Sets the capabilities: the store may ignore digests or guess media types.
    pub fn set_capabilities(&self, capabilities: StoreCapabilities) {
        self.state().capabilities = capabilities;
    }

    /// Assigns a version to each later upload.
    pub fn set_versioned(&self, versioned: bool) {
        self.state().versioned = versioned;
    }

    /// Sets the end of the signing credentials.
    pub fn set_credentials_end(&self, end: Timestamp) {
        self.state().credentials_end = Some(end);
    }

    /// Places an object without any check, as an administrator could.
    pub fn place(&self, address: &ObjectAddress, object: StoredObject) {
        self.state().objects.insert(address.clone(), object);
    }

    /// Replaces an object by other bytes without any check. Besides, only the entity tag changes.
    pub fn replace(&self, address: &ObjectAddress, body: &[u8]) {
        let mut state = self.state();
        state.next_etag += 1;
        let etag = format!("replaced-{}", state.next_etag);
        if let Some(object) = state.objects.get_mut(address) {
            object.etag = etag;
            object.size_bytes = body.len().try_into().unwrap();
            state.contents.insert(address.clone(), body.to_vec());
        }
    }

    /// Has other bytes be read of an object, as a failing disk could: all that is reported of it
    /// stays.
    pub fn rot(&self, address: &ObjectAddress, body: &[u8]) {
        self.state().contents.insert(address.clone(), body.to_vec());
    }

    /// Drops an upload in parts without any check, as a rule of the bucket could.
    pub fn lose_upload(&self, upload: &UploadId) {
        self.state().uploads.remove(upload);
    }

    /// Returns the number of uploads in parts that are open.
    #[must_use]
    pub fn open_uploads(&self) -> usize {
        self.state().uploads.len()
    }

    /// Removes an object without any check.
    pub fn remove(&self, address: &ObjectAddress) -> Option<StoredObject> {
        self.state().objects.remove(address)
    }

    /// Returns the object at an address without a counted call of the port.
    #[must_use]
    pub fn object(&self, address: &ObjectAddress) -> Option<StoredObject> {
        self.state().objects.get(address).cloned()
    }

    /// Returns the number of calls so far.
    #[must_use]
    pub fn calls(&self) -> StoreCalls {
        self.state().calls
    }

    /// Uploads `body` with the URL and headers of `upload`.
    pub fn upload(&self, upload: &PresignedUpload, body: &[u8]) -> PutOutcome {
        self.put(upload, &upload.headers, body)
    }

    /// Uploads `body` with these headers instead of those of `upload`.
    pub fn put(
        &self,
        upload: &PresignedUpload,
        headers: &[(String, String)],
        body: &[u8],
    ) -> PutOutcome {
        self.answer(&HttpRequest {
            method: upload.method.to_owned(),
            url: upload.url.expose().to_owned(),
            headers: headers.to_vec(),
            body: body.to_vec(),
        })
    }

    /// Handles any request and returns the HTTP status.
    pub fn send(&self, request: &HttpRequest) -> u16 {
        self.answer(request).status()
    }

    /// Answers a GET of a URL, without any header.
    pub fn get(&self, url: &str) -> Answer {
        let mut state = self.state();
        state.calls.http += 1;
        let bare = |status| Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        };
        if state.down {
            return bare(503);
        }
        match state.downloads.get(url) {
            Some(download) if self.clock.now() < download.expires_at => {
                download.answer(&state).unwrap_or_else(|| bare(404))
            }
            _ => bare(403),
        }
    }

    fn answer(&self, request: &HttpRequest) -> PutOutcome {
        let now = self.clock.now();
        let mut state = self.state();
        state.calls.http += 1;
        if state.down {
            return PutOutcome::Unavailable;
        }
        if let Some(grant) = state.part_grants.get(&request.url).cloned() {
            return grant.put(request, &mut state, now);
        }
        let Some(grant) = state.grants.get(&request.url).cloned() else {
            return PutOutcome::SignatureDoesNotMatch;
        };
        if let Err(refused) = grant.check(request, now) {
            return refused;
        }
        if state.objects.contains_key(&grant.address) {
            return PutOutcome::PreconditionFailed;
        }
        match grant.object(request, state.capabilities) {
            Err(refused) => refused,
            Ok(object) => {
                state.store(grant.address, object, request.body.clone());
                PutOutcome::Stored
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, StoreState> {
        // ignores the panics of other tests
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoreState {
    fn store(&mut self, address: ObjectAddress, mut object: StoredObject, content: Vec<u8>) {
        self.versions_given += u64::from(self.versioned);
        object.version_id = self
            .versioned
            .then(|| format!("version-{}", self.versions_given));
        self.contents.insert(address.clone(), content);
        self.objects.insert(address, object);
    }

    fn credentials_end(&self, now: Timestamp) -> Result<Option<Timestamp>, StorageError> {
        match self.credentials_end {
            Some(end) if end.since(now) < Duration::from_mins(1) => {
                Err(StorageError::CredentialsEnding)
            }
            end => Ok(end),
        }
    }

    fn serves(&self, bucket: &BucketName, address: &ObjectAddress) -> Result<(), StorageError> {
        if address.bucket == *bucket {
            self.answers()
        } else {
            Err(StorageError::ForeignBucket)
        }
    }

    fn answers(&self) -> Result<(), StorageError> {
        if self.down {
            Err(StorageError::Unavailable(Box::new(StoreTakenDown)))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl RawStorageRepository for FakeStore {
    fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    fn capabilities(&self) -> StoreCapabilities {
        self.state().capabilities
    }

    /// Signing needs no response of the store, so it works while the store is unavailable.
    async fn presign_upload<'a>(
        &self,
        terms: UploadTerms<'a>,
    ) -> Result<PresignedUpload, StorageError> {
        let mut state = self.state();
        state.calls.presign += 1;
        if terms.intent.address.bucket != self.bucket {
            return Err(StorageError::ForeignBucket);
        }
        let credentials_end = state.credentials_end(terms.now)?;
        let grant = Grant::of(&terms, credentials_end);
        let upload = grant.presigned();
        let url = upload.url.expose().to_owned();
        state.grants.insert(url, grant);
        Ok(upload)
    }

    async fn begin_upload(&self, intent: &UploadIntent) -> Result<UploadId, StorageError> {
        tokio::task::yield_now().await;
        let mut state = self.state();
        state.serves(&self.bucket, &intent.address)?;
        state.uploads_begun += 1;
        let id = UploadId::parse(&format!("upload-{}", state.uploads_begun)).unwrap();
        let upload = PartsUpload::of(intent);
        state.uploads.insert(id.clone(), upload);
        Ok(id)
    }

    /// Like [`Self::presign_upload`].
    async fn presign_parts<'a>(
        &self,
        terms: PartTerms<'a>,
        parts: &'a [DeclaredPart],
    ) -> Result<Vec<PresignedUpload>, StorageError> {
        let mut state = self.state();
        if terms.upload.address.bucket != self.bucket {
            return Err(StorageError::ForeignBucket);
        }
        let credentials_end = state.credentials_end(terms.now)?;
        let mut uploads = Vec::new();
        for part in parts {
            let grant = PartGrant::of(&terms, *part, credentials_end);
            let upload = grant.presigned();
            let url = upload.url.expose().to_owned();
            state.part_grants.insert(url, grant);
            uploads.push(upload);
        }
        Ok(uploads)
    }

    async fn stored_parts(
        &self,
        upload: &OpenUpload,
        after: u16,
        limit: u16,
    ) -> Result<PartsListing, StorageError> {
        tokio::task::yield_now().await;
        let state = self.state();
        state.serves(&self.bucket, &upload.address)?;
        Ok(state.listing(upload, after, limit))
    }

    async fn complete(
        &self,
        upload: &OpenUpload,
        parts: &[DeclaredPart],
    ) -> Result<CompletionOutcome, StorageError> {
        tokio::task::yield_now().await;
        let mut state = self.state();
        state.calls.complete += 1;
        state.serves(&self.bucket, &upload.address)?;
        Ok(state.completion(upload, parts))
    }

    async fn abort(&self, upload: &OpenUpload) -> Result<(), StorageError> {
        tokio::task::yield_now().await;
        let mut state = self.state();
        state.serves(&self.bucket, &upload.address)?;
        state.uploads.remove(&upload.upload_id);
        Ok(())
    }

    async fn open_uploads(
        &self,
        after: Option<UploadsMarker>,
    ) -> Result<OpenUploads, StorageError> {
        tokio::task::yield_now().await;
        let state = self.state();
        state.answers()?;
        Ok(state.listed_uploads(after.as_ref()))
    }

    /// Like [`Self::presign_upload`].
    async fn presign_download<'a>(
        &self,
        terms: DownloadTerms<'a>,
    ) -> Result<PresignedDownload, StorageError> {
        let mut state = self.state();
        state.calls.presign_download += 1;
        if terms.asset.address().bucket != self.bucket {
            return Err(StorageError::ForeignBucket);
        }
        let credentials_end = state.credentials_end(terms.now)?;
        let signed = DownloadUrl::of(&terms, credentials_end);
        let download = signed.presigned(terms.now);
        let url = download.url.expose().to_owned();
        state.downloads.insert(url, signed);
        Ok(download)
    }

    async fn stat(&self, address: &ObjectAddress) -> Result<Option<StoredObject>, StorageError> {
        tokio::task::yield_now().await;
        let mut state = self.state();
        state.calls.stat += 1;
        if address.bucket != self.bucket {
            return Err(StorageError::ForeignBucket);
        }
        state.answers()?;
        Ok(state.objects.get(address).cloned())
    }

    /// An object that was placed and not uploaded has no bytes to read.
    async fn hash(&self, object: &PinnedObject) -> Result<HashOutcome, StorageError> {
        tokio::task::yield_now().await;
        let mut state = self.state();
        state.calls.hash += 1;
        if object.address.bucket != self.bucket {
            return Err(StorageError::ForeignBucket);
        }
        state.answers()?;
        let Some(found) = state.objects.get(&object.address) else {
            return Ok(HashOutcome::Gone);
        };
        let is_pinned = (&found.etag, &found.version_id) == (&object.etag, &object.version_id);
        if !is_pinned || found.size_bytes != object.size_bytes.get() {
            return Ok(HashOutcome::Replaced);
        }
        Ok(match state.contents.get(&object.address) {
            Some(content) => HashOutcome::Hashed(Sha256Digest::of(content)),
            None => HashOutcome::Gone,
        })
    }

    async fn ready(&self) -> Result<(), StorageError> {
        self.state().answers()
    }
}
