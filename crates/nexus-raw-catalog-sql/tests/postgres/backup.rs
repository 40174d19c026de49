//! A backup and restore by the commands of docs/OPERATIONS.md.

use std::{fs, path::Path, process::Output};

use nexus_raw::{
    asset::Provenance,
    ports::{AssetCatalog, EventQuery},
};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_testkit::{
    Postgres, sample,
    steps::{presign, presign_and_register},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{Home, run};

/// Returns a database with rows of two tenants in every table.
async fn with_assets() -> Home {
    let home = Home::new().await;
    let catalog = home.open().await;
    for tenant in ["t_a", "t_b"] {
        let scope = sample::scope(tenant, "dev");
        let [one, derived, open] = [1, 2, 3].map(|n| sample::intent(&scope, sample::asset_id(n)));
        presign_and_register(&catalog, &one, sample::provenance()).await;
        let lineage = sample::derived_from(&[one.asset_id]);
        presign_and_register(&catalog, &derived, lineage).await;
        presign(&catalog, &open).await;
    }
    catalog.close().await;
    home
}

/// Returns the code blocks of the section on backups: the role, the dump, the restore, the check.
fn blocks_of_operations() -> [String; 4] {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/OPERATIONS.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("### Its backup\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let fenced = section.split("```").skip(1).step_by(2);
    let blocks: Vec<String> = fenced
        .map(|block| block.split_once('\n').unwrap().1.to_owned())
        .collect();
    blocks.try_into().unwrap()
}

/// Runs a documented command with other names and another directory.
fn shell(command: &str, directory: &Path) -> Output {
    let pg_dump = Postgres::client("pg_dump");
    let programs = Path::new(pg_dump.get_program()).parent().unwrap();
    std::process::Command::new("/bin/sh")
        .args(["-ec", command])
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .current_dir(directory)
        .output()
        .unwrap()
}

fn assert_done(output: &Output) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

/// Returns every row of every table, sorted.
async fn rows(admin: &mut PgConnection) -> Vec<(String, Vec<String>)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relkind = 'r'
            AND relnamespace = 'public'::regnamespace ORDER BY 1",
    )
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    let mut all = Vec::new();
    for table in tables {
        let rows = format!("SELECT t::text FROM public.{table} t ORDER BY 1");
        let rows = sqlx::query_scalar(AssertSqlSafe(rows));
        all.push((table, rows.fetch_all(&mut *admin).await.unwrap()));
    }
    all
}

#[tokio::test]
async fn a_documented_dump_and_restore_give_the_same_catalogue() {
    let home = with_assets().await;
    let new = Home::empty();
    let directory = tempfile::tempdir().unwrap();
    let [role, dump, restore, check] = blocks_of_operations();
    let mut admin = home.admin().await;
    let backup = format!("{}_backup", home.role());
    let role = role
        .replace("nexus_raw_backup", &backup)
        .replace("'…'", "'backup-password'");
    run(&mut admin, &role).await;
    let (_, server) = home.database().url.rsplit_once('@').unwrap();
    let backup_url = format!("postgres://{backup}:backup-password@{server}");
    let dump = dump.replace(
        "postgres://nexus_raw_backup:…@db.example.com/nexus_raw",
        &backup_url,
    );
    assert!(dump.contains(&backup_url), "{dump}");
    assert_done(&shell(&dump, directory.path()));
    let new_url = &new.database().url;
    let restore = restore.replace(
        "postgres://nexus_raw:…@db.example.com/nexus_raw_new",
        new_url,
    );
    assert!(restore.contains(new_url), "{restore}");
    assert_done(&shell(&restore, directory.path()));

    let mut restored = new.admin().await;
    let (before, after) = (rows(&mut admin).await, rows(&mut restored).await);
    assert_eq!(before, after);
    let event = before.iter().find(|(table, _)| table == "event").unwrap();
    assert_eq!(event.1.len(), 10);
    // the check has the same result for both, and no scope lacks an event
    for database in [&mut admin, &mut restored] {
        let found: Vec<(i64, i64, i64)> = sqlx::query_as(AssertSqlSafe(check.clone()))
            .fetch_all(database)
            .await
            .unwrap();
        assert_eq!(found, [(2, 10, 0)]);
    }
    let catalog = new.open().await;
    let scope = sample::scope("t_b", "dev");
    let more = sample::intent(&scope, sample::asset_id(4));
    presign_and_register(&catalog, &more, Provenance::default()).await;
    let events = catalog
        .events(&scope, &EventQuery::first(100))
        .await
        .unwrap();
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=7).collect::<Vec<_>>());
}

/// The check detects an empty backup, and one without some events.
#[tokio::test]
async fn the_check_after_a_restore_reports_missing_events() {
    let home = with_assets().await;
    let [.., check] = blocks_of_operations();
    let mut admin = home.admin().await;
    run(&mut admin, "SET session_replication_role = replica").await;
    run(
        &mut admin,
        "DELETE FROM event WHERE tenant_id = 't_b' AND sequence = 2",
    )
    .await;
    let found: Vec<(i64, i64, i64)> = sqlx::query_as(AssertSqlSafe(check))
        .fetch_all(&mut admin)
        .await
        .unwrap();
    assert_eq!(found, [(2, 9, 1)]);
}

/// The role of the server sees no rows: its dump fails, or is empty with the option that the
/// documentation warns of.
#[tokio::test]
async fn the_role_of_the_server_cannot_dump() {
    let home = with_assets().await;
    let url = &home.database().url;
    let dumped = Postgres::client("pg_dump").arg(url).output().unwrap();
    assert!(!dumped.status.success());
    let stderr = String::from_utf8_lossy(&dumped.stderr);
    assert!(stderr.contains("row-level security"), "{stderr}");
    let mut by_switch = Postgres::client("pg_dump");
    let dumped = by_switch
        .args(["--enable-row-security", "--inserts", url])
        .output()
        .unwrap();
    assert_done(&dumped);
    let dumped = String::from_utf8(dumped.stdout).unwrap();
    assert!(
        !dumped.contains("INSERT INTO public.event"),
        "it dumps by now"
    );
}

/// A restored database has its schemas but not the search path that was set for the old name.
#[tokio::test]
async fn a_catalogue_off_the_search_path_is_reported_with_its_schema() {
    let home = Home::empty();
    let mut admin = home.admin().await;
    let (role, name) = (home.role(), home.name());
    let made = format!(
        "CREATE SCHEMA \"Raw\" AUTHORIZATION {role};
         ALTER ROLE {role} IN DATABASE {name} SET search_path = \"Raw\""
    );
    run(&mut admin, &made).await;
    home.migrate().await;
    home.open().await.close().await;
    let gone = format!("ALTER ROLE {role} IN DATABASE {name} RESET search_path");
    run(&mut admin, &gone).await;
    let expected = format!(
        "the catalogue is in the schema Raw, which is not on the search path: \
         ALTER ROLE {role} IN DATABASE {name} SET search_path = \"Raw\""
    );
    assert_eq!(home.refusal().await, expected);
    let migrated = SqlAssetCatalog::migrate(home.settings()).await.unwrap_err();
    assert_eq!(migrated.to_string(), expected);
    let (_, to_do) = expected.split_once(": ").unwrap();
    let mut raw = PgConnection::connect(&home.database().url).await.unwrap();
    run(&mut raw, to_do).await;
    home.open().await.ready().await.unwrap();
}
