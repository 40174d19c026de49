//! Whether callers that come at once see each asset as if they had come one after another:
//! histories of the real service, checked for linearizability (docs/adr/0019).

mod checker;
mod clients;

use std::sync::Arc;

use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::sample;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngSeed, TestRunner},
};

const HISTORIES: u32 = 500;

#[test]
fn histories_of_eight_clients_at_once_are_linearizable() {
    let seed = crate::seed();
    let config = Config {
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let catalog = runtime.block_on(SqlAssetCatalog::open(SqlCatalogSettings {
        url: format!("sqlite:{}", directory.path().join("catalog").display()),
        max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
        object_store: ObjectStoreIdentity {
            endpoint: None,
            region: "eu-west-1".to_owned(),
            bucket: sample::bucket(),
        },
    }));
    let catalog = Arc::new(catalog.unwrap());
    let mut meetings = Vec::new();
    for number in 0..HISTORIES {
        let plans = clients::plans().new_tree(&mut runner).unwrap().current();
        let house = clients::House::new(Arc::clone(&catalog), number);
        let history = runtime.block_on(Arc::clone(&house).play(plans));
        assert!(
            checker::is_linearizable(&history),
            "history {number} of PROPTEST_RNG_SEED={seed} is not linearizable:\n{history:#?}"
        );
        let met = checker::meetings(&history);
        if met.aborted {
            let of = format!("history {number} of PROPTEST_RNG_SEED={seed}");
            assert!(!house.has_object(), "{of} leaves an object");
            // what a caller begins and leaves is removed with the abandoned uploads
            if met.left == 0 {
                assert_eq!(house.open_uploads(), 0, "{of} leaves uploads");
            }
        }
        meetings.push(met);
    }
    runtime.block_on(catalog.close());
    // or else there was nothing to find
    let total = |pick: fn(&checker::Meetings) -> usize| meetings.iter().map(pick).sum::<usize>();
    let least = usize::try_from(HISTORIES).unwrap();
    for (what, times, least) in [
        ("registrations at once", total(|it| it.registrations), least),
        ("reads during a registration", total(|it| it.reads), least),
        ("calls that were left", total(|it| it.left), least),
        ("aborts during a registration", total(|it| it.aborts), least),
        ("aborted", total(|it| it.aborted.into()), least / 20),
        (
            "registered in parts",
            total(|it| it.registered_in_parts.into()),
            least / 50,
        ),
    ] {
        assert!(times >= least, "{times} {what} in {HISTORIES} histories");
    }
}
