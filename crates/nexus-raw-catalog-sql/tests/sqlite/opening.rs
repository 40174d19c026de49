use std::{
    os::unix::fs::{PermissionsExt, symlink},
    time::Duration,
};

use nexus_raw::ports::{AssetCatalog, PinnedObject, WorkClaim, WorkLedger};
use nexus_raw_catalog_sql::OpenError;
use nexus_raw_testkit::{sample, steps::presign};
use uuid::Uuid;

use crate::support::{Home, open, refusal};

async fn made() -> Home {
    let home = Home::new();
    home.open().await.close().await;
    home
}

async fn change(home: &Home, sql: &'static str) {
    let mut raw = home.raw().await;
    sqlx::raw_sql(sql).execute(&mut raw).await.unwrap();
}

#[tokio::test]
async fn a_missing_catalogue_is_created_for_its_owner_only() {
    let home = Home::new();
    let catalog = home.open().await;
    catalog.ready().await.unwrap();
    for name in [
        "catalog.sqlite",
        "catalog.sqlite-wal",
        "catalog.sqlite-shm",
        "catalog.sqlite.lock",
    ] {
        let file = home.file().with_file_name(name);
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn the_wal_is_checkpointed_when_it_closes() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    presign(&catalog, &sample::intent(&scope, sample::asset_id(1))).await;
    catalog.close().await;
    assert!(!home.file().with_file_name("catalog.sqlite-wal").exists());
}

#[tokio::test]
async fn a_closed_catalogue_returns_unavailable() {
    let home = Home::new();
    let catalog = home.open().await;
    catalog.close().await;
    catalog.close().await;
    assert!(catalog.ready().await.is_err());
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    let event = sample::presigned(&intent);
    assert!(catalog.record_intent(intent, event).await.is_err());
}

#[tokio::test]
async fn a_second_server_is_refused_until_the_first_closes() {
    let home = Home::new();
    let first = home.open().await;
    let alias = home.file().with_file_name("alias.sqlite");
    symlink(home.file(), &alias).unwrap();
    // refused attempts do not release the lock of the first
    for file in [home.file(), alias, home.file()] {
        match open(&file, sample::bucket()).await {
            Err(OpenError::InUse { catalog }) => {
                assert_eq!(catalog, home.file().canonicalize().unwrap());
            }
            other => panic!("{other:?}"),
        }
    }
    first.ready().await.unwrap();
    first.close().await;
    home.open().await.ready().await.unwrap();
}

#[tokio::test]
async fn a_catalogue_of_a_newer_version_is_refused() {
    let home = made().await;
    change(
        &home,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', true, x'00', 0)",
    )
    .await;
    assert_eq!(
        home.refusal().await,
        "the catalogue was written by a newer version of this program: \
         its migration 9999 is unknown"
    );
}

/// It has other tables, and no migration converts them.
#[tokio::test]
async fn a_catalogue_from_before_the_first_release_is_refused_by_its_tables() {
    let home = made().await;
    change(
        &home,
        "ALTER TABLE event ADD COLUMN commitment BLOB; ALTER TABLE event ADD COLUMN body TEXT",
    )
    .await;
    assert_eq!(
        home.refusal().await,
        format!(
            "the catalogue {} is from a version before the first release, whose events have another \
             format, and cannot be migrated: use a new one",
            home.file().canonicalize().unwrap().display()
        )
    );
}

fn pinned(intent: &nexus_raw::asset::UploadIntent) -> PinnedObject {
    PinnedObject {
        scope: intent.scope.clone(),
        asset_id: intent.asset_id,
        address: intent.address.clone(),
        size_bytes: intent.facts.size_bytes,
        etag: "e".to_owned(),
        version_id: None,
    }
}

/// Claims at the sample's time, for an hour.
async fn claim(catalog: &impl WorkLedger, object: &PinnedObject) -> WorkClaim {
    let owner = Uuid::from_u128(1);
    let claim = catalog
        .claim_hashing(object, owner, sample::now(), Duration::from_hours(1))
        .await;
    claim.unwrap()
}

/// The lock shows that the owner of the claim has ended, so no caller waits for the claim's end.
#[tokio::test]
async fn a_hashing_claim_ends_with_its_process() {
    let home = Home::new();
    let catalog = home.open().await;
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    presign(&catalog, &intent).await;
    let object = pinned(&intent);
    let WorkClaim::Taken(before) = claim(&catalog, &object).await else {
        panic!("there is no other claim");
    };
    let held = claim(&catalog, &object).await;
    assert!(matches!(held, WorkClaim::Held { .. }), "{held:?}");
    catalog.close().await;

    let catalog = home.open().await;
    let WorkClaim::Taken(after) = claim(&catalog, &object).await else {
        panic!("its owner has ended");
    };
    assert!(after.epoch > before.epoch, "{after:?} after {before:?}");
}

#[tokio::test]
async fn a_half_applied_migration_is_refused() {
    let finding = "migration 1 of the catalogue is half applied: restore it from a backup";
    let home = made().await;
    change(&home, "UPDATE _sqlx_migrations SET success = false").await;
    assert_eq!(home.refusal().await, finding);

    let home = made().await;
    change(&home, "DELETE FROM _sqlx_migrations").await;
    assert_eq!(home.refusal().await, finding);
}

#[tokio::test]
async fn an_edited_migration_is_refused() {
    let home = made().await;
    change(&home, "UPDATE _sqlx_migrations SET checksum = x'00'").await;
    assert_eq!(
        home.refusal().await,
        "the catalogue was written by another program: its migration 1 differs"
    );
}

#[tokio::test]
async fn a_schema_that_differs_from_the_migrations_is_refused() {
    for tampering in [
        "DROP TRIGGER event_is_not_changed",
        "DROP INDEX event_by_asset",
        "ALTER TABLE asset ADD COLUMN public INTEGER",
        "CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM lease; END",
    ] {
        let home = made().await;
        change(&home, tampering).await;
        assert_eq!(
            home.refusal().await,
            "the catalogue's schema differs from that of its migrations: \
             restore it from a backup",
            "{tampering}"
        );
    }
}

#[tokio::test]
async fn the_statistics_of_analyze_do_not_change_the_schema() {
    let home = made().await;
    change(&home, "ANALYZE").await;
    home.open().await.ready().await.unwrap();
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_unchanged() {
    for other in [
        "CREATE TABLE asset (id INTEGER)",
        "PRAGMA application_id = 1",
    ] {
        let home = Home::new();
        change(&home, other).await;
        let before = std::fs::read(home.file()).unwrap();
        assert_eq!(
            home.refusal().await,
            format!(
                "{} is not a catalogue but another program's database",
                home.file().canonicalize().unwrap().display()
            )
        );
        assert!(before == std::fs::read(home.file()).unwrap(), "{other}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_refused() {
    let home = Home::new();
    std::fs::write(
        home.file(),
        "not a database, and longer than its header: ".repeat(50),
    )
    .unwrap();
    assert_eq!(
        home.refusal().await,
        "the catalogue's file is corrupt: file is not a database"
    );
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let home = Home::new();
    let file = home.file().with_file_name("nowhere").join("catalog.sqlite");
    assert_eq!(
        refusal(&file).await,
        format!(
            "the catalogue's directory {} cannot be used: \
             No such file or directory (os error 2)",
            file.parent().unwrap().display()
        )
    );
}

#[tokio::test]
async fn a_catalogue_that_another_tool_writes_to_is_unreachable() {
    let home = made().await;
    let mut raw = home.raw().await;
    let hold = sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut raw).await;
    hold.unwrap();
    let refused = open(&home.file(), sample::bucket()).await;
    assert!(
        matches!(refused, Err(OpenError::Unreachable(_))),
        "{refused:?}"
    );
}
