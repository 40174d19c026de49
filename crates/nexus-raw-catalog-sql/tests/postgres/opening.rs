//! Opening and refusing catalogues, and migrations.

use std::time::{Duration, Instant};

use nexus_raw::ports::{AssetCatalog, CatalogError, EventQuery};
use nexus_raw_catalog_sql::{OpenError, SqlAssetCatalog};
use nexus_raw_testkit::{
    Postgres, sample,
    steps::{presign, presign_and_register},
};

use sqlx::PgConnection;

use crate::support::{Home, run};

#[tokio::test]
async fn a_schema_is_created_once_and_a_second_migration_does_nothing() {
    let home = Home::empty();
    assert_eq!(
        home.refusal().await,
        "the catalogue's schema is missing, or from an older version of this program: \
         run `nexus-raw-server migrate`"
    );
    let migrated = home.migrate().await;
    assert_eq!(migrated, [1]);
    assert_eq!(home.migrate().await, [0; 0]);
    home.open().await.ready().await.unwrap();
}

/// Before anything is written, for any names of the tables.
#[tokio::test]
async fn a_schema_with_tables_of_another_program_is_not_migrated() {
    for (sql, table) in [
        ("CREATE TABLE asset (id int)", "asset"),
        (
            "CREATE TABLE orders (id int); CREATE TABLE users (id int)",
            "orders",
        ),
        ("CREATE VIEW sales AS SELECT 1 AS one", "sales"),
        (
            "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text,
                installed_on timestamptz DEFAULT now(), success boolean, checksum bytea,
                execution_time bigint);
             INSERT INTO _sqlx_migrations (version, success, checksum) VALUES (20240101, true, '');
             CREATE TABLE todo (id int)",
            "_sqlx_migrations",
        ),
    ] {
        let home = Home::empty();
        let mut raw = home.raw().await;
        run(&mut raw, sql).await;
        let tables = "SELECT count(*) FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')";
        let count = async |raw: &mut PgConnection| -> i64 {
            sqlx::query_scalar(tables).fetch_one(raw).await.unwrap()
        };
        let before = count(&mut raw).await;
        let refused = SqlAssetCatalog::migrate(home.settings()).await;
        let Err(OpenError::Incompatible { finding }) = refused else {
            panic!("{sql}: {refused:?}");
        };
        assert_eq!(
            finding,
            format!(
                "the schema `public` of the database has foreign tables, such as `{table}`: give \
                 the catalogue a database or a schema of its own"
            )
        );
        assert_eq!(count(&mut raw).await, before, "{sql}");
    }
}

/// They were installed by the administrator and have no data of another program.
#[tokio::test]
async fn tables_of_an_extension_do_not_prevent_a_migration() {
    let home = Home::empty();
    let mut admin = home.admin().await;
    run(&mut admin, "CREATE EXTENSION pg_stat_statements").await;
    assert_eq!(home.migrate().await, [1]);
}

#[tokio::test]
async fn concurrent_migrations_create_one_schema() {
    let home = Home::empty();
    let (one, other) = tokio::join!(home.migrate(), home.migrate());
    assert_eq!(
        [one, other].concat(),
        [1],
        "one made it, and the other waited"
    );
    home.open().await.ready().await.unwrap();
}

/// It has other tables, and no migration converts them.
#[tokio::test]
async fn a_catalogue_from_before_the_first_release_is_refused_by_its_tables() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    run(&mut raw, "ALTER TABLE event ADD COLUMN commitment bytea").await;
    let refusal = "the catalogue is from a version before the first release, whose events have \
                   another format, and cannot be migrated: use a new database or schema";
    assert_eq!(home.refusal().await, refusal);
    match SqlAssetCatalog::migrate(home.settings()).await {
        Err(OpenError::Incompatible { finding }) => assert_eq!(finding, refusal),
        other => panic!("{other:?}"),
    }
}

/// A newer schema is refused unless it declares support for servers of this version.
#[tokio::test]
async fn a_newer_schema_is_refused_unless_it_supports_this_version() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    let newer = "INSERT INTO _sqlx_migrations
        (version, description, success, checksum, execution_time)
        VALUES (9000, 'newer', true, '\\x00', 0)";
    run(&mut raw, newer).await;
    let refusal = "the catalogue's schema is from a newer version of this program: \
                   its migration 9000 is unknown";
    assert_eq!(home.refusal().await, refusal);
    run(&mut raw, "INSERT INTO schema_version VALUES (9000, 9000)").await;
    assert_eq!(home.refusal().await, refusal);
    run(
        &mut raw,
        "UPDATE schema_version SET serves_from = 1 WHERE version = 9000",
    )
    .await;
    home.open().await.ready().await.unwrap();
}

/// A later migration has added a column, a table and a function, and declares support for this
/// version: a running server continues, and a new one starts.
#[tokio::test]
async fn an_expanded_schema_works_for_a_running_server_and_a_new_one() {
    let home = Home::new().await;
    let running = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let [before, during, after] = [1, 2, 3].map(|n| sample::intent(&scope, sample::asset_id(n)));
    presign_and_register(&running, &before, sample::provenance()).await;
    let mut raw = home.raw().await;
    run(
        &mut raw,
        "ALTER TABLE asset ADD COLUMN seen_at bigint;
         ALTER TABLE event ADD COLUMN kind text DEFAULT 'asset' NOT NULL;
         CREATE TABLE later (tenant_id text, env text);
         ALTER TABLE later ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
         CREATE FUNCTION write_v2(group_of json, again boolean) RETURNS json LANGUAGE sql
             AS 'SELECT write_v1(group_of, again)';
         INSERT INTO schema_version VALUES (9000, 1);
         INSERT INTO _sqlx_migrations
             (version, description, success, checksum, execution_time)
             VALUES (9000, 'expand', true, '\\x00', 0)",
    )
    .await;
    presign_and_register(&running, &during, sample::provenance()).await;
    let started = home.open().await;
    presign_and_register(&started, &after, sample::provenance()).await;
    for server in [&running, &started] {
        for intent in [&before, &during, &after] {
            let found = server.find_asset(&scope, intent.asset_id).await;
            assert!(found.unwrap().is_some());
        }
        assert_eq!(
            server
                .events(&scope, &EventQuery::first(100))
                .await
                .unwrap()
                .len(),
            6
        );
    }
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    run(
        &mut raw,
        "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1",
    )
    .await;
    assert_eq!(
        home.refusal().await,
        "the catalogue was written by another program: its migration 1 differs"
    );
}

#[tokio::test]
async fn a_server_that_responds_before_a_commit_is_durable_is_refused() {
    let home = Home::new().await;
    let mut admin = home.admin().await;
    home.alter_role(&mut admin, "SET synchronous_commit = off")
        .await;
    let finding = home.refusal().await;
    assert!(finding.contains("set synchronous_commit = on"), "{finding}");
    home.alter_role(&mut admin, "SET synchronous_commit = local")
        .await;
    drop(home.open().await);
}

/// Triggers and foreign keys would not protect the rows.
#[tokio::test]
async fn a_role_whose_triggers_do_not_fire_is_refused() {
    let home = Home::new().await;
    let mut admin = home.admin().await;
    home.alter_role(&mut admin, "SET session_replication_role = replica")
        .await;
    let finding = home.refusal().await;
    assert!(
        finding.contains("set session_replication_role = origin"),
        "{finding}"
    );
    home.alter_role(&mut admin, "RESET session_replication_role")
        .await;
    drop(home.open().await);
}

#[tokio::test]
async fn a_server_that_loses_files_in_a_power_cut_is_refused() {
    let server = Postgres::start();
    let home = Home::on(&server).await;
    let mut admin = home.admin().await;
    for statement in ["ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"] {
        run(&mut admin, statement).await;
    }
    // the server applies a new setting with a delay
    let finding = loop {
        match SqlAssetCatalog::open(home.settings()).await {
            Err(OpenError::Incompatible { finding }) => break finding,
            Err(other) => panic!("{other:?}"),
            Ok(_) => tokio::task::yield_now().await,
        }
    };
    assert!(finding.ends_with("set fsync = on"), "{finding}");
}

/// A retry does not help against a wrong password, and the error does not contain it.
#[tokio::test]
async fn a_refused_login_is_reported_without_the_password() {
    let home = Home::new().await;
    let mut settings = home.settings();
    settings.url = settings.url.replace(":postgres-password@", ":hunter2@");
    match SqlAssetCatalog::open(settings).await {
        Err(OpenError::Incompatible { finding }) => {
            let expected = "PostgreSQL refused the login: ";
            assert!(finding.starts_with(expected), "{finding}");
            assert!(!finding.contains("hunter2"), "{finding}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stopped_server_is_unreachable_and_not_incompatible() {
    let server = Postgres::start();
    let home = Home::on(&server).await;
    server.stop_immediately();
    let opened = SqlAssetCatalog::open(home.settings()).await;
    assert!(
        matches!(opened, Err(OpenError::Unreachable(_))),
        "{opened:?}"
    );
}

const TAKES_NO_WRITES: &str = "the database is read-only: it is a standby, or \
    default_transaction_read_only is on for the server, the database or the role";

/// A read-only primary serves reads and reports that it is not ready; a server that starts on one
/// waits, with the reason.
#[tokio::test]
async fn a_read_only_primary_is_not_ready_and_serves_reads() {
    let server = Postgres::start();
    let home = Home::on(&server).await;
    let mut admin = home.admin().await;
    let catalog = home.open().await;
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    presign(&catalog, &intent).await;
    for statement in [
        "ALTER SYSTEM SET default_transaction_read_only = on",
        "SELECT pg_reload_conf()",
    ] {
        run(&mut admin, statement).await;
    }
    // the server applies a new setting with a delay
    let began = Instant::now();
    let refusal = loop {
        assert!(began.elapsed() < Duration::from_secs(10), "it is ready");
        match catalog.ready().await {
            Err(CatalogError::Unavailable(source)) => break source.to_string(),
            Err(other) => panic!("{other:?}"),
            Ok(()) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(refusal, TAKES_NO_WRITES);
    let found = catalog.find_intent(&intent.scope, intent.asset_id).await;
    assert!(found.unwrap().is_some());
    // also on a new connection
    home.end_others(&mut admin).await;
    let found = catalog.find_intent(&intent.scope, intent.asset_id).await;
    assert!(found.unwrap().is_some());
    match SqlAssetCatalog::open(home.settings()).await {
        Err(OpenError::Unreachable(source)) => assert_eq!(source.to_string(), TAKES_NO_WRITES),
        other => panic!("{other:?}"),
    }
    run(&mut admin, "SET default_transaction_read_only = off").await;
    for statement in [
        "ALTER SYSTEM RESET default_transaction_read_only",
        "SELECT pg_reload_conf()",
    ] {
        run(&mut admin, statement).await;
    }
    while catalog.ready().await.is_err() {
        tokio::task::yield_now().await;
    }
    let next = sample::intent(&intent.scope, sample::asset_id(2));
    presign(&catalog, &next).await;
}

/// Every acknowledged write exists after a crash of the server, and the catalogue reconnects by
/// itself.
#[tokio::test]
async fn a_crash_of_the_server_loses_no_acknowledged_write() {
    let server = Postgres::start();
    let home = Home::on(&server).await;
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    for n in 1..=50 {
        presign(&catalog, &sample::intent(&scope, sample::asset_id(n))).await;
    }
    server.stop_immediately();
    assert!(catalog.ready().await.is_err());
    let during = sample::intent(&scope, sample::asset_id(51));
    let event = sample::presigned(&during);
    assert!(catalog.record_intent(during, event).await.is_err());
    server.start_again();
    presign(&catalog, &sample::intent(&scope, sample::asset_id(52))).await;
    let events = catalog
        .events(&scope, &EventQuery::first(1000))
        .await
        .unwrap();
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=51).collect::<Vec<_>>());
}

/// The role of a server need not own the tables.
#[tokio::test]
async fn a_role_with_the_documented_permissions_can_serve() {
    let home = Home::new().await;
    let other = Home::empty();
    let mut raw = home.raw().await;
    let role = other.role();
    let mut settings = home.settings();
    settings.url = settings.url.replacen(home.role(), role, 1);
    let refused = SqlAssetCatalog::open(settings.clone()).await;
    let Err(OpenError::Incompatible { finding }) = refused else {
        panic!("{refused:?}");
    };
    assert!(finding.contains("lacks a privilege"), "{finding}");
    run(
        &mut raw,
        &format!(
            "GRANT USAGE ON SCHEMA public TO {role};
             GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {role};
             REVOKE INSERT, UPDATE ON _sqlx_migrations, schema_version, made_function FROM {role};
             GRANT DELETE ON parked_event, idempotency, object_digest, download_grant TO {role};
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}"
        ),
    )
    .await;
    let catalog = SqlAssetCatalog::open(settings).await.unwrap();
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign_and_register(&catalog, &intent, sample::provenance()).await;
}
