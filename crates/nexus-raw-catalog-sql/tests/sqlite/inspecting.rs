use std::fs;

use nexus_raw_catalog_sql::{CatalogInspector, EntryState, OpenError};
use nexus_raw_testkit::{sample, steps::presign};

use crate::{
    shared::inspecting::{entries, fill, reads_all_in_order, reads_what_is_written_meanwhile},
    support::Home,
};

/// Returns why a file is not inspected.
async fn refusal(home: &Home) -> String {
    match CatalogInspector::open(&home.url()).await {
        Err(OpenError::Incompatible { finding }) => finding,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn all_scopes_and_entries_are_read_in_order_beside_a_server() {
    let home = Home::new();
    let catalog = home.open().await;
    reads_all_in_order(&catalog, &home.url()).await;
    catalog.close().await;
}

#[tokio::test]
async fn a_page_has_what_was_written_before_it() {
    let home = Home::new();
    let catalog = home.open().await;
    reads_what_is_written_meanwhile(&catalog, &home.url()).await;
    catalog.close().await;
}

/// A server opens the catalogue, writes and closes it, as if nobody read.
#[tokio::test]
async fn a_server_opens_and_closes_beside_an_inspector() {
    let home = Home::new();
    home.open().await.close().await;
    let lock = home.file().with_file_name("catalog.sqlite.lock");
    fs::remove_file(&lock).unwrap();
    let inspector = CatalogInspector::open(&home.url()).await.unwrap();
    assert!(!lock.exists());
    let scope = sample::scope("t_a", "dev");
    for number in 1..=3 {
        let catalog = home.open().await;
        let intent = sample::intent(&scope, sample::asset_id(number));
        presign(&catalog, &intent).await;
        let read = entries(&inspector, &scope).await;
        assert_eq!(read.len(), usize::try_from(number).unwrap());
        catalog.close().await;
    }
}

#[tokio::test]
async fn a_missing_catalogue_is_refused_and_not_created() {
    let home = Home::new();
    let file = home.file();
    let expected = format!("there is no catalogue at {}", file.display());
    assert_eq!(refusal(&home).await, expected);
    let directory = file.parent().unwrap();
    assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
}

#[tokio::test]
async fn a_catalogue_of_another_version_or_program_is_refused_and_not_changed() {
    let empty = Home::new();
    fs::write(empty.file(), "").unwrap();
    let older = "the catalogue's schema is missing, or from an older version of this program: \
                 run `nexus-raw-server migrate`";
    assert_eq!(refusal(&empty).await, older);
    assert_eq!(fs::metadata(empty.file()).unwrap().len(), 0);

    for (sql, finding) in [
        (
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'later', true, x'00', 0)",
            "the catalogue was written by a newer version of this program: \
             its migration 9999 is unknown",
        ),
        ("DELETE FROM _sqlx_migrations", older),
        (
            "DROP INDEX asset_by_filename",
            "the catalogue's schema differs from that of its migrations: restore it from a backup",
        ),
    ] {
        let home = Home::new();
        home.open().await.close().await;
        let mut raw = home.raw().await;
        sqlx::raw_sql(sql).execute(&mut raw).await.unwrap();
        assert_eq!(refusal(&home).await, finding, "{sql}");
    }

    let other = Home::new();
    let mut raw = other.raw().await;
    let sql = "CREATE TABLE orders (id INTEGER)";
    sqlx::raw_sql(sql).execute(&mut raw).await.unwrap();
    let expected = format!(
        "{} is not a catalogue but another program's database",
        other.file().canonicalize().unwrap().display()
    );
    assert_eq!(refusal(&other).await, expected);
}

#[tokio::test]
async fn an_entry_that_cannot_be_decoded_is_an_item_of_its_page() {
    let home = Home::new();
    let catalog = home.open().await;
    let [(scope, states), _] = fill(&catalog).await;
    catalog.close().await;
    home.tamper("UPDATE asset SET sha256 = x'00' WHERE rowid = 1")
        .await;
    home.tamper("UPDATE upload_intent SET state = 'ended' WHERE rowid = 2")
        .await;
    home.tamper("UPDATE upload_intent SET state = 'ended' WHERE rowid = 3")
        .await;
    let inspector = CatalogInspector::open(&home.url()).await.unwrap();
    let read = entries(&inspector, &scope).await;
    let read: Vec<_> = read
        .into_iter()
        .map(|entry| entry.map(|it| it.state).map_err(|it| it.to_string()))
        .collect();
    let corrupt = |at: usize, column: &str| {
        let id = states[at].0.asset_id;
        format!("column {column} of the entry {id} holds an invalid value")
    };
    let expected = [
        Err(corrupt(0, "asset.sha256")),
        Err(corrupt(1, "upload_intent.state")),
        Ok(EntryState::Ended),
        Ok(EntryState::Pending),
        Ok(EntryState::Aborted),
    ];
    assert_eq!(read, expected);
}
