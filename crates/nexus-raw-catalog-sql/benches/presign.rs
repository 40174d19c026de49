//! The cost of a durable presign: one caller alone, and 64 concurrent ones.
//!
//! The time includes the flush to disk, so compare on one machine only. `TMPDIR` is the directory
//! of the catalogue or of the PostgreSQL cluster.
#![expect(
    clippy::unwrap_used,
    reason = "where something fails, the benchmark must end"
)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nexus_raw::ports::AssetCatalog;
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::{Postgres, sample};
use tokio::task::JoinSet;

fn on_sqlite(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("catalog.sqlite");
    presign(criterion, "sqlite", format!("sqlite:{}", file.display()));
}

fn on_postgres(criterion: &mut Criterion) {
    let server = Postgres::start();
    presign(criterion, "postgres", server.database().url);
}

fn presign(criterion: &mut Criterion, database: &str, url: String) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let settings = SqlCatalogSettings {
        url,
        max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
        object_store: ObjectStoreIdentity {
            endpoint: None,
            region: "eu-west-1".to_owned(),
            bucket: sample::bucket(),
        },
    };
    let open = async {
        SqlAssetCatalog::migrate(settings.clone()).await.unwrap();
        SqlAssetCatalog::open(settings).await.unwrap()
    };
    let catalog = Arc::new(runtime.block_on(open));
    let numbers = Arc::new(AtomicU64::new(1));
    let mut group = criterion.benchmark_group(format!("presign on {database}"));
    for callers in [1, 64] {
        group.throughput(Throughput::Elements(callers));
        group.bench_function(format!("{callers} at once"), |bencher| {
            bencher.to_async(&runtime).iter_custom(|rounds| {
                let (catalog, numbers) = (catalog.clone(), numbers.clone());
                async move {
                    let mut spent = Duration::ZERO;
                    for _ in 0..rounds {
                        spent += round(&catalog, &numbers, callers).await;
                    }
                    spent
                }
            });
        });
    }
    group.finish();
    runtime.block_on(catalog.close());
}

/// Returns the time until all callers have their responses.
async fn round(catalog: &Arc<SqlAssetCatalog>, numbers: &AtomicU64, callers: u64) -> Duration {
    let first = numbers.fetch_add(callers, Ordering::Relaxed);
    let scope = sample::scope("t_demo", "dev");
    let intents: Vec<_> = (first..first + callers)
        .map(|number| {
            let intent = sample::intent(&scope, sample::asset_id(number));
            let event = sample::presigned(&intent);
            (intent, event)
        })
        .collect();
    let began = Instant::now();
    let mut calls = JoinSet::new();
    for (intent, event) in intents {
        let catalog = catalog.clone();
        calls.spawn(async move { catalog.record_intent(intent, event).await });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
    began.elapsed()
}

criterion_group!(benches, on_sqlite, on_postgres);
criterion_main!(benches);
