use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use nexus_raw::{
    ports::{ParkedEvent, SinkName},
    tenancy::{Environment, Scope, TenantId},
    time::Timestamp,
};
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

    async fn parked(&self, sink: &SinkName) -> Vec<ParkedEvent> {
        let mut raw = self.home().await.raw().await;
        sqlx::raw_sql("SET nexus_raw.relay = 'on'")
            .execute(&mut raw)
            .await
            .unwrap();
        let rows: Vec<(String, String, i64, String, i64)> = sqlx::query_as(
            "SELECT tenant_id, env, sequence, reason, parked_at FROM parked_event
             WHERE sink = $1 ORDER BY parked_at, ctid",
        )
        .bind(sink.as_str())
        .fetch_all(&mut raw)
        .await
        .unwrap();
        let parked = rows
            .into_iter()
            .map(|(tenant, env, sequence, reason, at)| ParkedEvent {
                scope: Scope {
                    tenant: TenantId::parse(&tenant).unwrap(),
                    environment: Environment::parse(&env).unwrap(),
                },
                sequence: sequence.cast_unsigned(),
                reason,
                parked_at: Timestamp::from_micros(at).unwrap(),
            });
        parked.collect()
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
