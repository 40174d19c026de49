//! The fakes keep the contracts they stand in for.

use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::ports::{ParkedEvent, SinkName};
use nexus_raw_testkit::{
    FakeCatalog,
    contract::catalog::{CatalogHarness, OpenCatalog},
};

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

    async fn parked(&self, sink: &SinkName) -> Vec<ParkedEvent> {
        self.0.parked(sink)
    }
}

mod catalog {
    nexus_raw_testkit::catalog_contract!(super::InMemory::default());
}

mod outbox {
    nexus_raw_testkit::outbox_contract!(super::InMemory::default());
}
