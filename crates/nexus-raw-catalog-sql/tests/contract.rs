//! The contract suites of both ports, on SQLite.
#![expect(clippy::unwrap_used, reason = "test support: the test must end there")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use nexus_raw::{
    ports::{ParkedEvent, SinkName},
    tenancy::{Environment, Scope, TenantId},
    time::Timestamp,
};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::{
    contract::catalog::{CatalogHarness, OpenCatalog},
    sample,
};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

struct OnDisk {
    directory: TempDir,
    open: Mutex<Option<Arc<SqlAssetCatalog>>>,
}

impl OnDisk {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            open: Mutex::new(None),
        }
    }

    fn url(&self) -> String {
        let file = self.directory.path().join("catalog.sqlite");
        format!("sqlite:{}", file.display())
    }
}

#[async_trait]
impl CatalogHarness for OnDisk {
    async fn open(&self) -> OpenCatalog {
        let settings = SqlCatalogSettings {
            url: self.url(),
            object_store: ObjectStoreIdentity {
                endpoint: None,
                region: "eu-west-1".to_owned(),
                bucket: sample::bucket(),
            },
        };
        let catalog = Arc::new(SqlAssetCatalog::open(settings).await.unwrap());
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
        type Row = (String, String, i64, String, i64);
        let mut connection = SqliteConnection::connect(&self.url()).await.unwrap();
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT tenant_id, env, sequence, reason, parked_at FROM parked_event
             WHERE sink = ?1 ORDER BY rowid",
        )
        .bind(sink.as_str())
        .fetch_all(&mut connection)
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
    nexus_raw_testkit::catalog_contract!(super::OnDisk::new());
}

mod outbox {
    nexus_raw_testkit::outbox_contract!(super::OnDisk::new());
}
