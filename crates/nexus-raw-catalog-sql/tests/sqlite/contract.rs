use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_testkit::contract::catalog::{CatalogHarness, OpenCatalog};

use crate::support::Home;

struct OnDisk {
    home: Home,
    open: Mutex<Option<Arc<SqlAssetCatalog>>>,
}

impl OnDisk {
    fn new() -> Self {
        Self {
            home: Home::new(),
            open: Mutex::new(None),
        }
    }
}

#[async_trait]
impl CatalogHarness for OnDisk {
    async fn open(&self) -> OpenCatalog {
        let catalog = Arc::new(self.home.open().await);
        *self.open.lock().unwrap() = Some(catalog.clone());
        OpenCatalog::of(catalog)
    }

    async fn reopen(&self, open: OpenCatalog) -> OpenCatalog {
        drop(open);
        let closing = self.open.lock().unwrap().take();
        closing.unwrap().close().await;
        self.open().await
    }
}

mod catalog {
    nexus_raw_testkit::catalog_contract!(super::OnDisk::new());
}

mod digests {
    nexus_raw_testkit::digests_contract!(super::OnDisk::new());
}

mod outbox {
    nexus_raw_testkit::outbox_contract!(super::OnDisk::new());
}
