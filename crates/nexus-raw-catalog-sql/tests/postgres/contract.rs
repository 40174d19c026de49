use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_testkit::contract::catalog::{CatalogHarness, OpenCatalog};
use tokio::sync::OnceCell;

use crate::support::Home;

#[derive(Default)]
pub(crate) struct OnServer {
    home: OnceCell<Home>,
    open: Mutex<Option<Arc<SqlAssetCatalog>>>,
}

impl OnServer {
    pub(crate) async fn home(&self) -> &Home {
        self.home.get_or_init(Home::new).await
    }
}

#[async_trait]
impl CatalogHarness for OnServer {
    async fn open(&self) -> OpenCatalog {
        let catalog = Arc::new(self.home().await.open().await);
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
    nexus_raw_testkit::catalog_contract!(super::OnServer::default());
}

mod digests {
    nexus_raw_testkit::digests_contract!(super::OnServer::default());
}

mod outbox {
    nexus_raw_testkit::outbox_contract!(super::OnServer::default());
}
