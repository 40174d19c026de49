use std::fs;

use nexus_raw_catalog_sql::{MigrationPlan, OpenError, SqlAssetCatalog};
use nexus_raw_testkit::sample;

use crate::support::{Home, settings};

async fn plan(home: &Home) -> Result<MigrationPlan, OpenError> {
    SqlAssetCatalog::plan_migration(settings(&home.file(), sample::bucket())).await
}

fn versions(plan: &MigrationPlan) -> Vec<(i64, &str)> {
    let migrations = plan.migrations.iter();
    let versions = migrations.map(|it| (it.version, &*it.description));
    versions.collect()
}

#[tokio::test]
async fn a_plan_for_a_missing_catalogue_has_all_migrations_and_creates_nothing() {
    let home = Home::new();
    let planned = plan(&home).await.unwrap();
    assert_eq!(versions(&planned), [(1, "catalogue")]);
    assert_eq!(planned.functions, []);
    let directory = home.file().parent().unwrap().to_owned();
    assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
}

#[tokio::test]
async fn a_plan_beside_a_server_is_empty() {
    let home = Home::new();
    let catalog = home.open().await;
    assert!(plan(&home).await.unwrap().is_empty());
    catalog.close().await;
}

#[tokio::test]
async fn a_plan_for_an_empty_file_changes_nothing() {
    let home = Home::new();
    fs::write(home.file(), "").unwrap();
    let planned = plan(&home).await.unwrap();
    assert_eq!(versions(&planned), [(1, "catalogue")]);
    assert_eq!(fs::metadata(home.file()).unwrap().len(), 0);
}

#[tokio::test]
async fn a_newer_or_other_catalogue_has_no_plan() {
    for (sql, finding) in [
        (
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'later', true, x'00', 0)",
            "the catalogue was written by a newer version of this program: \
             its migration 9999 is unknown",
        ),
        (
            "DROP INDEX asset_by_filename",
            "the catalogue's schema differs from that of its migrations: restore it from a backup",
        ),
    ] {
        let home = Home::new();
        home.open().await.close().await;
        let mut raw = home.raw().await;
        sqlx::raw_sql(sql).execute(&mut raw).await.unwrap();
        match plan(&home).await {
            Err(OpenError::Incompatible { finding: found }) => assert_eq!(found, finding),
            other => panic!("{other:?}"),
        }
    }
}
