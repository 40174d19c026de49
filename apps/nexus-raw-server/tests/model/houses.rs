//! What the service is built on: the fakes, or the adapters.

mod shifted;

use std::{future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;
use nexus_raw::{
    asset::{BucketName, ObjectAddress},
    ports::{AssetCatalog, EventOutbox, PresignedUpload, RawStorageRepository, StoreCapabilities},
    time::Timestamp,
};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::{FakeCatalog, FakeStore, FixedClock, sample};

use crate::texts::BUCKET;

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
        let store = Arc::new(shifted::embedded().await.shifted_to(clock));
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

/// The moment at which every sequence begins.
pub(crate) fn beginning() -> Timestamp {
    sample::now()
}
