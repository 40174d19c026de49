//! The fakes keep the contracts they stand in for.

use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    ports::{DatasetEventSink, IdentityVerifier, RawStorageRepository, StoreCapabilities},
    tenancy::{Principal, Role},
    time::Timestamp,
};
use nexus_raw_testkit::{
    FakeCatalog, FakeIdentity, FakeStore, FixedClock, HttpRequest, RecordingSink,
    contract::{
        catalog::{CatalogHarness, OpenCatalog},
        identity::IdentityHarness,
        sink::SinkHarness,
        storage::StorageHarness,
    },
    sample,
};
use serde_json::{Value, json};

/// The catalogue in memory; what stays while one is open and the next is not.
#[derive(Default)]
struct InMemory(FakeCatalog);

#[async_trait]
impl CatalogHarness for InMemory {
    async fn open(&self) -> OpenCatalog {
        OpenCatalog::of(Arc::new(self.0.clone()))
    }

    async fn reopen(&self, open: OpenCatalog) -> OpenCatalog {
        drop(open);
        self.open().await
    }

    fn random_graphs(&self) -> u64 {
        1000
    }
}

mod catalog {
    nexus_raw_testkit::catalog_contract!(super::InMemory::default());
}

mod digests {
    nexus_raw_testkit::digests_contract!(super::InMemory::default());
}

mod outbox {
    nexus_raw_testkit::outbox_contract!(super::InMemory::default());
}

/// The store in memory, called directly instead of over HTTP.
struct Shelf(Arc<FakeStore>);

impl Shelf {
    fn new() -> Self {
        let clock = Arc::new(FixedClock::at(sample::now()));
        Self(Arc::new(FakeStore::new(sample::bucket(), clock)))
    }

    fn careless() -> Self {
        let shelf = Self::new();
        shelf.0.set_capabilities(StoreCapabilities {
            enforces_sha256: false,
            keeps_octet_stream: false,
            honours_response_headers: true,
            proves_parts: true,
        });
        shelf
    }
}

#[async_trait]
impl StorageHarness for Shelf {
    async fn open(&self) -> Arc<dyn RawStorageRepository> {
        self.0.clone()
    }

    fn now(&self) -> Timestamp {
        sample::now()
    }

    async fn send(&self, request: HttpRequest) -> u16 {
        self.0.send(&request)
    }

    async fn get(&self, url: &str) -> nexus_raw_testkit::s3::Answer {
        self.0.get(url)
    }
}

mod store {
    nexus_raw_testkit::storage_contract!(super::Shelf::new());
    nexus_raw_testkit::storage_parts_contract!(super::Shelf::new());
}

mod careless_store {
    nexus_raw_testkit::storage_contract!(super::Shelf::careless());
    nexus_raw_testkit::storage_parts_contract!(super::Shelf::careless());
}

struct Recorded(Arc<RecordingSink>);

impl Recorded {
    fn new() -> Self {
        Self(Arc::new(RecordingSink::new(sample::sink_name())))
    }
}

#[async_trait]
impl SinkHarness for Recorded {
    async fn open(&self) -> Arc<dyn DatasetEventSink> {
        self.0.clone()
    }

    async fn received(&self) -> Vec<Value> {
        self.0.received().iter().map(|event| json!(event)).collect()
    }

    async fn set_broken(&self, broken: bool) {
        self.0.set_available(!broken);
    }
}

mod sink {
    nexus_raw_testkit::sink_contract!(super::Recorded::new());
}

struct ByHeart;

#[async_trait]
impl IdentityHarness for ByHeart {
    async fn open(&self) -> Arc<dyn IdentityVerifier> {
        let (token, principal) = self.genuine();
        Arc::new(FakeIdentity::new().with(&token, principal))
    }

    fn genuine(&self) -> (String, Principal) {
        let scope = sample::scope("t_a", "dev");
        let principal = sample::principal(&scope.tenant, Role::Owner);
        ("a-token-of-u-demo".to_owned(), principal)
    }

    fn forgeries(&self) -> Vec<(&'static str, String)> {
        vec![("unknown", "a-token-of-somebody-else".to_owned())]
    }
}

mod identity {
    nexus_raw_testkit::identity_contract!(super::ByHeart);
}
