//! What the service is built on: the fakes, or the adapters.

use std::{
    cell::OnceCell,
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use nexus_raw::{
    asset::{BucketName, DeclaredPart, ObjectAddress, Sha256Digest, UploadId, UploadIntent},
    ports::{
        AssetCatalog, Clock, CompletionOutcome, DownloadTerms, EventOutbox, HashOutcome,
        OpenUpload, OpenUploads, PartTerms, PartsListing, PinnedObject, PresignedDownload,
        PresignedUpload, RawStorageRepository, StorageError, StoreCapabilities, StoredObject,
        UploadTerms, UploadsMarker,
    },
    system::SystemClock,
    time::Timestamp,
};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, EmbeddedS3Handle, Settings};
use nexus_raw_storage_s3::{
    S3RawStorageRepository, S3Settings, ServerSideEncryption, StaticCredentials, UnprobedS3,
};
use nexus_raw_testkit::{FakeCatalog, FakeStore, FixedClock, sample};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::{http::Request, texts::BUCKET};

/// The ports of one sequence.
pub(crate) struct Ports {
    pub(crate) storage: Arc<dyn RawStorageRepository>,
    pub(crate) store: Arc<dyn Uploads>,
    pub(crate) catalog: Arc<dyn AssetCatalog>,
    pub(crate) outbox: Arc<dyn EventOutbox>,
    pub(crate) close: Pin<Box<dyn Future<Output = ()>>>,
}

/// The store, as those meet it who upload, and the bucket's owner.
#[async_trait]
pub(crate) trait Uploads: Send + Sync {
    /// The status that a PUT is answered with.
    async fn put(&self, upload: &PresignedUpload, headers: &[(String, String)], body: &[u8])
    -> u16;

    fn remove(&self, address: &ObjectAddress);
}

pub(crate) trait House: 'static {
    /// Whether objects can be taken away.
    const CAN_REMOVE: bool;

    /// Whether the store's digests are a proof.
    const STORE_PROVES: bool = true;

    /// Fresh ports; of what is costly to start, a thread has one.
    fn open(clock: &Arc<FixedClock>) -> impl Future<Output = Ports>;
}

pub(crate) struct Fakes;

impl House for Fakes {
    const CAN_REMOVE: bool = true;

    async fn open(clock: &Arc<FixedClock>) -> Ports {
        fakes(clock, Self::STORE_PROVES)
    }
}

fn fakes(clock: &Arc<FixedClock>, store_proves: bool) -> Ports {
    let bucket = BucketName::parse(BUCKET).unwrap();
    let store = Arc::new(FakeStore::new(bucket, Arc::clone(clock) as _));
    store.set_capabilities(StoreCapabilities {
        enforces_sha256: store_proves,
        keeps_octet_stream: true,
        honours_response_headers: true,
        proves_parts: store_proves,
    });
    let catalog = Arc::new(FakeCatalog::new());
    Ports {
        storage: Arc::clone(&store) as _,
        store,
        catalog: Arc::clone(&catalog) as _,
        outbox: catalog,
        close: Box::pin(std::future::ready(())),
    }
}

/// The fakes, with a store that checks no digest.
pub(crate) struct FakesUnproved;

impl House for FakesUnproved {
    const CAN_REMOVE: bool = true;
    const STORE_PROVES: bool = false;

    async fn open(clock: &Arc<FixedClock>) -> Ports {
        fakes(clock, Self::STORE_PROVES)
    }
}

#[async_trait]
impl Uploads for FakeStore {
    async fn put(
        &self,
        upload: &PresignedUpload,
        headers: &[(String, String)],
        body: &[u8],
    ) -> u16 {
        FakeStore::put(self, upload, headers, body).status()
    }

    fn remove(&self, address: &ObjectAddress) {
        FakeStore::remove(self, address);
    }
}

/// SQLite, and the embedded S3 server over the network.
pub(crate) struct Adapters;

impl House for Adapters {
    const CAN_REMOVE: bool = false;

    async fn open(clock: &Arc<FixedClock>) -> Ports {
        let store = Arc::new(embedded().await.shifted_to(clock));
        let directory = tempfile::tempdir().unwrap();
        let catalog = SqlAssetCatalog::open(SqlCatalogSettings {
            url: format!("sqlite:{}", directory.path().join("catalog").display()),
            max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
            object_store: ObjectStoreIdentity {
                endpoint: None,
                region: "us-east-1".to_owned(),
                bucket: store.bucket().clone(),
            },
        });
        let catalog = Arc::new(catalog.await.unwrap());
        let closing = Arc::clone(&catalog);
        Ports {
            storage: Arc::clone(&store) as _,
            store,
            catalog: Arc::clone(&catalog) as _,
            outbox: catalog,
            close: Box::pin(async move {
                closing.close().await;
                drop(directory);
            }),
        }
    }
}

/// The embedded server of a thread, proved.
#[derive(Debug, Clone)]
struct Embedded {
    _server: Arc<(EmbeddedS3Handle, TempDir)>,
    repository: Arc<S3RawStorageRepository>,
}

async fn embedded() -> Embedded {
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
        let settings = Settings::new(directory.path(), credentials).with_bucket(BUCKET);
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

    fn shifted_to(self, clock: &Arc<FixedClock>) -> Shifted {
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
struct Shifted {
    inner: Embedded,
    clock: Arc<FixedClock>,
    /// What each URL was made for.
    signed: Mutex<HashMap<String, Signed>>,
}

#[derive(Debug, Clone)]
struct Signed {
    intent: UploadIntent,
    sha256: Sha256Digest,
    now: Timestamp,
    ttl: Duration,
}

impl Shifted {
    /// Signs as if `age` had passed since.
    async fn sign(&self, signed: &Signed, age: Duration) -> Result<PresignedUpload, StorageError> {
        let machine = SystemClock.now().as_unix_seconds() - i64::try_from(age.as_secs()).unwrap();
        let machine = Timestamp::from_micros(machine * 1_000_000).unwrap();
        let intent = UploadIntent {
            ends_at: machine.saturating_add(signed.intent.ends_at.since(signed.now)),
            ..signed.intent.clone()
        };
        let terms = UploadTerms {
            intent: &intent,
            sha256: signed.sha256,
            now: machine,
            ttl: signed.ttl,
        };
        let mut upload = self.inner.repository.presign_upload(terms).await?;
        let life = upload.expires_at.since(machine);
        upload.expires_at = signed.now.saturating_add(life);
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
            intent: terms.intent.clone(),
            sha256: terms.sha256,
            now: terms.now,
            ttl: terms.ttl,
        };
        let upload = self.sign(&signed, Duration::ZERO).await?;
        let url = upload.url.expose().to_owned();
        self.signed.lock().unwrap().insert(url, signed);
        Ok(upload)
    }

    async fn begin_upload(&self, intent: &UploadIntent) -> Result<UploadId, StorageError> {
        self.inner.repository.begin_upload(intent).await
    }

    async fn presign_parts<'a>(
        &self,
        terms: PartTerms<'a>,
        parts: &'a [DeclaredPart],
    ) -> Result<Vec<PresignedUpload>, StorageError> {
        self.inner.repository.presign_parts(terms, parts).await
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

/// The moment at which every sequence begins.
pub(crate) fn beginning() -> Timestamp {
    sample::now()
}
