use std::{cell::Cell, fs, os::unix::fs::PermissionsExt, path::PathBuf};

use nexus_raw::{
    asset::Provenance,
    ports::{AssetCatalog, EventQuery},
};
use nexus_raw_catalog_sql::{BackupError, CatalogInspector};
use nexus_raw_testkit::{sample, steps::presign_and_register};

use crate::support::{Home, open};

fn target(home: &Home) -> PathBuf {
    home.file().with_file_name("backup.sqlite")
}

/// Returns the files beside the catalogue that are none of its own.
fn others(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.file().parent().unwrap()).unwrap();
    let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
    names
        .filter(|it| !it.starts_with("catalog.sqlite"))
        .collect()
}

#[tokio::test]
async fn a_backup_beside_a_server_is_a_whole_catalogue_in_one_file_of_its_owner() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign_and_register(&catalog, &intent, sample::provenance()).await;
    let inspector = CatalogInspector::open(&home.url()).await.unwrap();
    let report = inspector.backup(&target(&home)).await.unwrap();
    assert_eq!((report.scopes, report.assets, report.events), (1, 1, 2));
    let copied = fs::metadata(target(&home)).unwrap();
    assert_eq!(copied.len(), report.bytes);
    assert_eq!(copied.permissions().mode() & 0o777, 0o600);
    assert_eq!(others(&home), ["backup.sqlite"]);
    let record = catalog.find_asset(&scope, intent.asset_id).await.unwrap();
    let events = catalog
        .events(&scope, &EventQuery::first(10))
        .await
        .unwrap();
    catalog.close().await;

    let restored = open(&target(&home), sample::bucket()).await.unwrap();
    let found = restored.find_asset(&scope, intent.asset_id).await.unwrap();
    assert_eq!(found, record);
    let found = restored
        .events(&scope, &EventQuery::first(10))
        .await
        .unwrap();
    assert_eq!(found, events);
    restored.close().await;
}

/// The copy takes several steps, and a server writes all the time; each backup ends, and is of one
/// moment.
#[tokio::test]
async fn a_backup_while_a_server_writes_is_of_one_moment() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let write = async |number: u64| {
        let intent = sample::intent(&scope, sample::asset_id(number));
        presign_and_register(&catalog, &intent, Provenance::default()).await;
    };
    for number in 1..=700 {
        write(number).await;
    }
    let inspector = CatalogInspector::open(&home.url()).await.unwrap();
    let is_enough = Cell::new(false);
    let writing = async {
        let mut number = 700;
        while !is_enough.get() {
            number += 1;
            write(number).await;
        }
        number
    };
    let backing_up = async {
        let mut reports = Vec::new();
        for number in 0..8 {
            let file = target(&home).with_extension(number.to_string());
            reports.push(inspector.backup(&file).await.unwrap());
        }
        is_enough.set(true);
        reports
    };
    let (written, reports) = tokio::join!(writing, backing_up);
    catalog.close().await;
    let mut before = 0;
    for report in reports {
        assert!(report.bytes > 2 << 20, "{report:?}");
        let presigned_alone = report.events - 2 * report.assets;
        assert!(presigned_alone <= 1, "{report:?}");
        assert!((before..=written).contains(&report.assets), "{report:?}");
        before = report.assets;
    }
    assert!(written > 710, "nothing was written meanwhile: {written}");
}

#[tokio::test]
async fn a_backup_replaces_nothing() {
    let home = Home::new();
    home.open().await.close().await;
    let inspector = CatalogInspector::open(&home.url()).await.unwrap();
    fs::write(target(&home), "theirs").unwrap();
    let refused = inspector.backup(&target(&home)).await.unwrap_err();
    assert!(matches!(refused, BackupError::Exists(_)), "{refused:?}");
    assert_eq!(fs::read(target(&home)).unwrap(), b"theirs");
    assert_eq!(others(&home), ["backup.sqlite"]);
}

#[tokio::test]
async fn a_directory_that_is_missing_is_reported() {
    let home = Home::new();
    home.open().await.close().await;
    let inspector = CatalogInspector::open(&home.url()).await.unwrap();
    let file = home.file().with_file_name("nowhere").join("backup.sqlite");
    let refused = inspector.backup(&file).await.unwrap_err();
    assert!(matches!(refused, BackupError::Write { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_damaged_catalogue_gives_no_backup() {
    for (sql, finding) in [
        (
            "DELETE FROM event WHERE sequence = 1",
            "events are missing in 1 scopes",
        ),
        (
            "UPDATE asset SET asset_id = zeroblob(16)",
            "a row of asset refers to none of upload_intent",
        ),
        (
            "UPDATE asset SET size_bytes = -1",
            "CHECK constraint failed in asset",
        ),
    ] {
        let home = Home::new();
        let catalog = home.open().await;
        let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
        presign_and_register(&catalog, &intent, Provenance::default()).await;
        catalog.close().await;
        home.tamper(sql).await;
        let inspector = CatalogInspector::open(&home.url()).await.unwrap();
        let refused = inspector.backup(&target(&home)).await;
        let Err(BackupError::Unsound { finding: found }) = refused else {
            panic!("{sql}: {refused:?}");
        };
        assert_eq!(found, finding, "{sql}");
        assert_eq!(others(&home), [""; 0], "{sql}");
    }
}
