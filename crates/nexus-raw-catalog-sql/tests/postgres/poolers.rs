//! `PgBouncer` between the catalogue and its server, with Debian's configuration: in either mode,
//! with one shared session and with many.

use std::str::FromStr;

use futures_util::future::join_all;
use nexus_raw::{
    asset::Provenance,
    ports::{AssetCatalog, CatalogCensus, EventOutbox, EventQuery, RegisterOutcome, SinkName},
};
use nexus_raw_catalog_sql::{SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::{PgBouncer, PoolMode, sample, steps::presign_and_register};
use sqlx::{ConnectOptions, Row, postgres::PgConnectOptions};

use crate::support::Home;

/// Reads and writes by two servers, in turn and concurrently.
async fn all_is_done_behind(mode: PoolMode, sessions: u32, connections: u32) {
    let home = Home::new().await;
    let pooler = PgBouncer::before(home.database(), mode, sessions);
    let settings = SqlCatalogSettings {
        max_connections: connections,
        ..home.settings_at(pooler.address())
    };
    let catalogs = [
        SqlAssetCatalog::open(settings.clone()).await.unwrap(),
        // with a single session another server would wait forever
        match mode {
            PoolMode::Session if sessions == 1 => home.open().await,
            _ => SqlAssetCatalog::open(settings).await.unwrap(),
        },
    ];
    for (n, tenant) in [(0, "t_a"), (1, "t_b")] {
        let scope = sample::scope(tenant, "dev");
        for id in 1..=10 {
            let intent = sample::intent(&scope, sample::asset_id(id));
            let catalog = &catalogs[n];
            presign_and_register(catalog, &intent, sample::provenance()).await;
            let other = &catalogs[(n + usize::from(sessions > 1)) % 2];
            assert!(
                other
                    .find_asset(&scope, intent.asset_id)
                    .await
                    .unwrap()
                    .is_some()
            );
            let stranger = sample::scope("t_c", "dev");
            assert_eq!(
                catalog
                    .find_asset(&stranger, intent.asset_id)
                    .await
                    .unwrap(),
                None
            );
            let again = sample::new_asset(&intent, sample::provenance());
            let again = catalog.register(again).await.unwrap();
            assert!(
                matches!(again, RegisterOutcome::AlreadyRegistered { .. }),
                "{again:?}"
            );
        }
    }
    let scope = sample::scope("t_d", "dev");
    let at_once = (1..=40).map(async |id| {
        let intent = sample::intent(&scope, sample::asset_id(id));
        let catalog = &catalogs[0];
        presign_and_register(catalog, &intent, Provenance::default()).await;
        catalog
            .find_intent(&scope, intent.asset_id)
            .await
            .unwrap()
            .unwrap();
    });
    join_all(at_once).await;
    let catalog = &catalogs[0];
    assert_eq!(
        catalog
            .events(&scope, &EventQuery::first(100))
            .await
            .unwrap()
            .len(),
        80
    );
    assert_eq!(catalog.totals().await.unwrap().open_intents, 0);
    assert_eq!(
        catalog
            .undelivered(&SinkName::new("log"), 1000, &[])
            .await
            .unwrap()
            .len(),
        120
    );
    catalog.ready().await.unwrap();
    for catalog in catalogs {
        catalog.close().await;
    }
    // the next user of a session finds it with the server's defaults
    let next = PgConnectOptions::from_str(&home.settings_at(pooler.address()).url).unwrap();
    let mut next = next.extra_float_digits(None).connect().await.unwrap();
    let found = sqlx::raw_sql(LEFT).fetch_all(&mut next).await.unwrap();
    let found: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    assert_eq!(found, ["off", "read committed", "0", "0", ""]);
}

/// The settings of a session that a catalogue may have changed.
const LEFT: &str = "
    SELECT current_setting('default_transaction_read_only')
    UNION ALL SELECT current_setting('default_transaction_isolation')
    UNION ALL SELECT current_setting('statement_timeout')
    UNION ALL SELECT current_setting('lock_timeout')
    UNION ALL SELECT coalesce(current_setting('nexus_raw.tenant_id', true), '')";

#[tokio::test]
async fn a_transaction_pooler_with_one_session_works() {
    all_is_done_behind(PoolMode::Transaction, 1, 10).await;
}

#[tokio::test]
async fn a_transaction_pooler_with_twenty_sessions_works() {
    all_is_done_behind(PoolMode::Transaction, 20, 10).await;
}

#[tokio::test]
async fn a_session_pooler_with_one_session_works() {
    all_is_done_behind(PoolMode::Session, 1, 1).await;
}

#[tokio::test]
async fn a_session_pooler_with_twenty_sessions_works() {
    all_is_done_behind(PoolMode::Session, 20, 10).await;
}
