//! What can be seen from inside alone.

use nexus_raw::{
    asset::Provenance,
    ports::{CatalogError, RegisterOutcome},
};
use nexus_raw_testkit::sample;
use sqlx::{AssertSqlSafe, Connection};

use super::*;
use crate::{
    backend::{GroupWriter, WriteError},
    commitment::CommittedBody,
    writer::{Group, IntentOutcome, NewIntent, Registration},
};

fn store() -> ObjectStoreIdentity {
    ObjectStoreIdentity {
        endpoint: None,
        region: "eu-west-1".to_owned(),
        bucket: sample::bucket(),
    }
}

fn new_intent(number: u64) -> NewIntent {
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(number));
    NewIntent {
        event: CommittedBody::seal(&sample::presigned(&intent)).unwrap(),
        intent,
    }
}

fn group(intents: &[NewIntent]) -> Group<'_> {
    Group {
        intents: intents.iter().collect(),
        ..Group::default()
    }
}

/// No statement reads more than what it asks for, however much there is. The relay's questions
/// alone go through all scopes, of which there are few.
#[tokio::test]
async fn no_statement_scans_a_table_that_grows_with_use() {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    schema::migrate(&mut connection).await.unwrap();
    for sql in queries::ALL.iter().chain(write::ALL) {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        for (_, _, _, step) in plan {
            let scanned = step.strip_prefix("SCAN ").unwrap_or_default();
            let table = scanned.split(' ').next().unwrap_or_default();
            let small = [
                "",
                "json_each",
                "k",
                "s",
                "b",
                "turn",
                "t",
                "share",
                "CONSTANT",
            ];
            assert!(small.contains(&table), "{step} in {sql}");
        }
    }
}

/// A full disk refuses, and is no reason to stop once there is room again.
#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("catalog.sqlite");
    let lock = CatalogLock::take(&file).unwrap();
    make_private(&file).unwrap();
    let mut connection = connect::writer(&file).await.unwrap();
    connect::make_durable(&mut connection).await.unwrap();
    schema::migrate(&mut connection).await.unwrap();
    let full = "PRAGMA max_page_count = 1";
    sqlx::query(full).execute(&mut connection).await.unwrap();
    let context = Context {
        catalog_id: catalog_id(&mut connection).await.unwrap(),
        object_store: store(),
    };
    let mut writer = SqliteWriter::new(connection, lock, context);

    let many: Vec<_> = (0..200).map(new_intent).collect();
    let Err(WriteError::Refused(failure)) = writer.write(group(&many)).await else {
        panic!("there was room");
    };
    assert!(matches!(failure.told(), CatalogError::Unavailable(_)));

    writer
        .execute("PRAGMA max_page_count = 100000")
        .await
        .unwrap();
    let outcomes = writer.write(group(&many)).await.unwrap();
    assert_eq!(outcomes.intents, [IntentOutcome::Recorded; 200]);
}

/// The largest group of the largest records stays within SQLite's limits.
#[tokio::test]
async fn the_largest_group_is_written_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("catalog.sqlite");
    let mut backend = open(&file, &store()).await.unwrap();
    let intents: Vec<_> = (0..256).map(new_intent).collect();
    backend.writer.write(group(&intents)).await.unwrap();
    let registrations: Vec<_> = intents
        .iter()
        .map(|it| {
            let new = sample::new_asset(&it.intent, Provenance::default());
            Registration {
                event: CommittedBody::seal(&new.event).unwrap(),
                new: Box::new(new),
            }
        })
        .collect();
    let group = Group {
        registrations: registrations.iter().collect(),
        ..Group::default()
    };
    let outcomes = backend.writer.write(group).await.unwrap();
    assert_eq!(
        outcomes.registrations,
        vec![RegisterOutcome::Registered; 256]
    );
}
