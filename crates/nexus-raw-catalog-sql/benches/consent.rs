//! A withdrawal of consent at the root of 10,000 descendants: how long until it has reached all of
//! them, and how much the presigns of another tenant slow down meanwhile.
//!
//! `TMPDIR` is the directory of the catalogue or of the PostgreSQL cluster. `--quick` makes the
//! lineage smaller.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "where something fails, the benchmark must end; what it measures is printed"
)]

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use nexus_raw::{
    asset::{AssetId, Fact, FactValue, Provenance},
    ports::{AssetCatalog, NewFact},
    tenancy::Scope,
};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::{
    Postgres, sample,
    steps::{presign_and_register, state_fact},
};
use tokio::task::JoinSet;

/// How long presigns are counted.
const COUNTED: Duration = Duration::from_secs(3);

/// The number of concurrent callers of presigns.
const CALLERS: u64 = 64;

/// The parent of each descendant, by its number from 1 on; 0 is the root.
type Parent = fn(u64) -> u64;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if !arguments.iter().any(|it| it == "--bench") {
        return;
    }
    let descendants = if arguments.iter().any(|it| it == "--quick") {
        println!("--quick: 1,000 descendants instead of 10,000");
        1_000
    } else {
        10_000
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let shapes: [(&str, Parent); 3] = [
        ("all children of the root", |_| 0),
        ("ten children each", |n| (n - 1) / 10),
        ("a chain", |n| n - 1),
    ];
    runtime.block_on(async {
        for (shape, parent) in shapes {
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("catalog.sqlite");
            let url = format!("sqlite:{}", file.display());
            measure("SQLite", shape, url, descendants, parent).await;
        }
    });
    let server = Postgres::start();
    runtime.block_on(async {
        for (shape, parent) in shapes {
            let database = server.database();
            measure("PostgreSQL", shape, database.url, descendants, parent).await;
        }
    });
}

async fn measure(engine: &str, shape: &str, url: String, descendants: u64, parent: Parent) {
    let settings = SqlCatalogSettings {
        url,
        max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
        object_store: ObjectStoreIdentity {
            endpoint: None,
            region: "eu-west-1".to_owned(),
            bucket: sample::bucket(),
        },
    };
    SqlAssetCatalog::migrate(settings.clone()).await.unwrap();
    let catalog = Arc::new(SqlAssetCatalog::open(settings).await.unwrap());
    let scope = sample::scope("t_demo", "dev");
    fill(&catalog, &scope, descendants, parent).await;
    let mut took = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        state(&catalog, &scope, false).await;
        took.push(began.elapsed());
        state(&catalog, &scope, true).await;
    }
    took.sort_unstable();
    let numbers = Arc::new(AtomicU64::new(1));
    let before = presigns(&catalog, &numbers).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let changing = {
        let (catalog, scope, is_over) = (Arc::clone(&catalog), scope.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut changes = 0_u32;
            while !is_over.load(Ordering::Relaxed) {
                state(&catalog, &scope, changes % 2 == 1).await;
                changes += 1;
            }
            changes
        })
    };
    let meanwhile = presigns(&catalog, &numbers).await;
    is_over.store(true, Ordering::Relaxed);
    let changes = changing.await.unwrap();
    println!(
        "{engine}, {descendants} descendants, {shape}: withdrawn in {:.0} ms; \
         presigns of another tenant {before:.0}/s, during {changes} changes without a pause \
         {meanwhile:.0}/s, {:.2} times slower",
        took[2].as_secs_f64() * 1e3,
        before / meanwhile
    );
    catalog.close().await;
}

/// Registers the root and its descendants, in groups.
async fn fill(catalog: &Arc<SqlAssetCatalog>, scope: &Scope, descendants: u64, parent: Parent) {
    let root = sample::intent(scope, id(0));
    let allowed = Provenance {
        train_ok: true,
        ..Provenance::default()
    };
    presign_and_register(&**catalog, &root, allowed).await;
    let mut registered = 1;
    while registered <= descendants {
        // as many as have registered parents
        let next = registered;
        let ready = (next..=descendants)
            .take_while(|n| parent(*n) < next)
            .take(256);
        let mut calls = JoinSet::new();
        for n in ready {
            let (catalog, intent) = (Arc::clone(catalog), sample::intent(scope, id(n)));
            let provenance = Provenance {
                train_ok: true,
                ..sample::derived_from(&[id(parent(n))])
            };
            calls.spawn(async move {
                presign_and_register(&*catalog, &intent, provenance).await;
            });
            registered += 1;
        }
        calls.join_all().await;
    }
}

fn id(number: u64) -> AssetId {
    sample::asset_id(number + 1)
}

/// States a fact of the root as the service does, until it has reached all descendants.
async fn state(catalog: &SqlAssetCatalog, scope: &Scope, allowed: bool) {
    let fact = Fact::new(FactValue::TrainOk(allowed));
    state_fact(catalog, scope, id(0), fact).await;
    let step = || catalog.advance_consent(scope, NewFact::MAX_FOLLOWERS);
    while step().await.unwrap() {}
    let last = catalog.find_asset(scope, id(1)).await.unwrap().unwrap();
    assert_eq!(last.in_force.train_ok_effective, allowed);
}

/// Returns the rate of another tenant's presigns.
async fn presigns(catalog: &Arc<SqlAssetCatalog>, numbers: &Arc<AtomicU64>) -> f64 {
    let until = Instant::now() + COUNTED;
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (catalog, numbers) = (Arc::clone(catalog), Arc::clone(numbers));
        callers.spawn(async move {
            let scope = sample::scope("t_other", "dev");
            let mut count = 0_u32;
            while Instant::now() < until {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                let intent = sample::intent(&scope, sample::asset_id(number));
                let event = sample::presigned(&intent);
                catalog.record_intent(intent, event).await.unwrap();
                count += 1;
            }
            count
        });
    }
    let counts: u32 = callers.join_all().await.into_iter().sum();
    f64::from(counts) / COUNTED.as_secs_f64()
}
