//! SQLite's companion: the embedded S3 server, with the model's time.

use std::{
    cell::OnceCell,
    collections::HashMap,
    sync::{Arc, Mutex},
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
    system::SystemClock,
    time::Timestamp,
};
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, EmbeddedS3Handle, Settings};
use nexus_raw_storage_s3::{
    S3RawStorageRepository, S3Settings, ServerSideEncryption, StaticCredentials, UnprobedS3,
};
use nexus_raw_testkit::FixedClock;
use secrecy::SecretString;
use tempfile::TempDir;

use super::Uploads;
use crate::{http::Request, texts::BUCKET};

/// The embedded server of a thread, proved.
#[derive(Debug, Clone)]
pub(super) struct Embedded {
    _server: Arc<(EmbeddedS3Handle, TempDir)>,
    repository: Arc<S3RawStorageRepository>,
}

pub(super) async fn embedded() -> Embedded {
    thread_local! {
        static EMBEDDED: OnceCell<Embedded> = const { OnceCell::new() };
    }
    if let Some(started) = EMBEDDED.with(|cell| cell.get().cloned()) {
        return started;
    }
    let started = Embedded::start().await;
    EMBEDDED.with(|cell| cell.get_or_init(|| started).clone())
}

impl Embedded {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (id, secret) = ("AKIAEMBEDDED", "embedded-secret");
        let credentials = Credentials {
            access_key_id: id.to_owned(),
            secret_access_key: SecretString::from(secret),
        };
        let settings = Settings::new(directory.path(), credentials)
            .with_bucket(BUCKET)
            .with_min_part_bytes(1);
        let server = EmbeddedS3::start(&settings).unwrap();
        let settings = S3Settings {
            bucket: BucketName::parse(BUCKET).unwrap(),
            region: "us-east-1".to_owned(),
            endpoint: Some(server.endpoint().parse().unwrap()),
            force_path_style: true,
            credentials: Some(StaticCredentials {
                access_key_id: id.to_owned(),
                secret_access_key: SecretString::from(secret),
            }),
            server_side_encryption: ServerSideEncryption::None,
            expected_bucket_owner: None,
            require_versioning: false,
            allow_unsigned_headers: false,
        };
        let unprobed = UnprobedS3::connect(settings, Arc::new(SystemClock));
        let repository = unprobed.await.unwrap().probe().await.unwrap();
        Self {
            _server: Arc::new((server, directory)),
            repository: Arc::new(repository),
        }
    }

    pub(super) fn shifted_to(self, clock: &Arc<FixedClock>) -> Shifted {
        Shifted {
            inner: self,
            clock: Arc::clone(clock),
            signed: Mutex::default(),
        }
    }
}

/// The adapter, with its signatures moved from the model's time to the machine's: the server
/// reads the machine's clock and nothing else.
#[derive(Debug)]
pub(super) struct Shifted {
    inner: Embedded,
    clock: Arc<FixedClock>,
    /// What each URL was made for.
    signed: Mutex<HashMap<String, Signed>>,
}

#[derive(Debug, Clone)]
struct Signed {
    what: Uploaded,
    now: Timestamp,
    ttl: Duration,
    /// The end of the intent.
    not_after: Timestamp,
}

/// What a URL is for.
#[derive(Debug, Clone)]
enum Uploaded {
    Whole(UploadIntent, Sha256Digest),
    Part(OpenUpload, DeclaredPart),
}

impl Shifted {
    /// Signs as if `age` had passed since.
    async fn sign(&self, signed: &Signed, age: Duration) -> Result<PresignedUpload, StorageError> {
        let machine = SystemClock.now().as_unix_seconds() - i64::try_from(age.as_secs()).unwrap();
        let machine = Timestamp::from_micros(machine * 1_000_000).unwrap();
        let not_after = machine.saturating_add(signed.not_after.since(signed.now));
        let repository = &self.inner.repository;
        let mut upload = match &signed.what {
            Uploaded::Whole(intent, sha256) => {
                let intent = UploadIntent {
                    ends_at: not_after,
                    ..intent.clone()
                };
                let terms = UploadTerms {
                    intent: &intent,
                    sha256: *sha256,
                    now: machine,
                    ttl: signed.ttl,
                };
                repository.presign_upload(terms).await?
            }
            Uploaded::Part(upload, part) => {
                let terms = PartTerms {
                    upload,
                    now: machine,
                    ttl: signed.ttl,
                    not_after,
                };
                let mut signed = repository.presign_parts(terms, &[*part]).await?;
                signed.remove(0)
            }
        };
        let life = upload.expires_at.since(machine);
        upload.expires_at = signed.now.saturating_add(life);
        Ok(upload)
    }

    /// Signs for now, and remembers what for.
    async fn sign_first(&self, signed: Signed) -> Result<PresignedUpload, StorageError> {
        let upload = self.sign(&signed, Duration::ZERO).await?;
        let url = upload.url.expose().to_owned();
        self.signed.lock().unwrap().insert(url, signed);
        Ok(upload)
    }
}

#[async_trait]
impl RawStorageRepository for Shifted {
    fn bucket(&self) -> &BucketName {
        self.inner.repository.bucket()
    }

    fn capabilities(&self) -> StoreCapabilities {
        self.inner.repository.capabilities()
    }

    async fn presign_upload<'a>(
        &self,
        terms: UploadTerms<'a>,
    ) -> Result<PresignedUpload, StorageError> {
        let signed = Signed {
            what: Uploaded::Whole(terms.intent.clone(), terms.sha256),
            now: terms.now,
            ttl: terms.ttl,
            not_after: terms.intent.ends_at,
        };
        self.sign_first(signed).await
    }

    async fn begin_upload(&self, intent: &UploadIntent) -> Result<UploadId, StorageError> {
        self.inner.repository.begin_upload(intent).await
    }

    async fn presign_parts<'a>(
        &self,
        terms: PartTerms<'a>,
        parts: &'a [DeclaredPart],
    ) -> Result<Vec<PresignedUpload>, StorageError> {
        let mut uploads = Vec::new();
        for part in parts {
            let signed = Signed {
                what: Uploaded::Part(terms.upload.clone(), *part),
                now: terms.now,
                ttl: terms.ttl,
                not_after: terms.not_after,
            };
            uploads.push(self.sign_first(signed).await?);
        }
        Ok(uploads)
    }

    async fn stored_parts(
        &self,
        upload: &OpenUpload,
        after: u16,
        limit: u16,
    ) -> Result<PartsListing, StorageError> {
        self.inner
            .repository
            .stored_parts(upload, after, limit)
            .await
    }

    async fn complete(
        &self,
        upload: &OpenUpload,
        parts: &[DeclaredPart],
    ) -> Result<CompletionOutcome, StorageError> {
        self.inner.repository.complete(upload, parts).await
    }

    async fn abort(&self, upload: &OpenUpload) -> Result<(), StorageError> {
        self.inner.repository.abort(upload).await
    }

    async fn open_uploads(
        &self,
        after: Option<UploadsMarker>,
    ) -> Result<OpenUploads, StorageError> {
        self.inner.repository.open_uploads(after).await
    }

    /// The model downloads nothing.
    async fn presign_download<'a>(
        &self,
        terms: DownloadTerms<'a>,
    ) -> Result<PresignedDownload, StorageError> {
        self.inner.repository.presign_download(terms).await
    }

    async fn stat(&self, address: &ObjectAddress) -> Result<Option<StoredObject>, StorageError> {
        self.inner.repository.stat(address).await
    }

    async fn hash(&self, object: &PinnedObject) -> Result<HashOutcome, StorageError> {
        self.inner.repository.hash(object).await
    }

    async fn ready(&self) -> Result<(), StorageError> {
        self.inner.repository.ready().await
    }
}

#[async_trait]
impl Uploads for Shifted {
    async fn put(
        &self,
        upload: &PresignedUpload,
        headers: &[(String, String)],
        body: &[u8],
    ) -> u16 {
        let signed = self.signed.lock().unwrap()[upload.url.expose()].clone();
        let age = self.clock.now().since(signed.now);
        let url = if age.is_zero() {
            upload.url.clone()
        } else {
            self.sign(&signed, age).await.unwrap().url
        };
        let url = url::Url::parse(url.expose()).unwrap();
        let address = url.socket_addrs(|| None).unwrap()[0];
        let target = url.as_str().split_once(url.authority()).unwrap().1;
        let mut request = Request::new(address, upload.method, target)
            .with("host", url.authority())
            .body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send().await.status
    }

    fn remove(&self, address: &ObjectAddress) {
        unreachable!("nothing removes {address:?}")
    }
}
