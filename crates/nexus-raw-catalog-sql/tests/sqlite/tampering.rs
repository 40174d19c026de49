use nexus_raw_testkit::{
    sample,
    steps::{presign, presign_and_register},
};
use sqlx::SqliteConnection;

use crate::support::Home;

/// Returns a catalogue with a record, a record derived from it, and an intent, and a connection
/// that enforces foreign keys, as the catalogue's own does.
async fn filled() -> (Home, SqliteConnection) {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let [parent, child, pending] = [1, 2, 3].map(|n| sample::intent(&scope, sample::asset_id(n)));
    presign_and_register(&catalog, &parent, sample::provenance()).await;
    let lineage = sample::derived_from(&[parent.asset_id]);
    presign_and_register(&catalog, &child, lineage).await;
    presign(&catalog, &pending).await;
    catalog.close().await;
    let mut raw = home.raw().await;
    let strict = "PRAGMA foreign_keys = ON";
    sqlx::raw_sql(strict).execute(&mut raw).await.unwrap();
    (home, raw)
}

async fn refusal(raw: &mut SqliteConnection, sql: &'static str) -> String {
    match sqlx::raw_sql(sql).execute(raw).await {
        Err(sqlx::Error::Database(error)) => error.message().to_owned(),
        other => panic!("{sql}: {other:?}"),
    }
}

#[tokio::test]
async fn written_rows_are_neither_changed_nor_deleted() {
    let (_home, mut raw) = filled().await;
    for (sql, refused) in [
        ("UPDATE asset SET train_ok = 1", "a record is never changed"),
        ("DELETE FROM asset", "a record is never deleted"),
        ("UPDATE event SET facts = '{}'", "an event is never changed"),
        (
            "UPDATE event SET personal_salt = NULL, personal = NULL, erased_at = 1",
            "an event is never changed",
        ),
        (
            "UPDATE scope_log SET log_id = zeroblob(16)",
            "a scope's log is never changed",
        ),
        ("DELETE FROM scope_log", "a scope's log is never deleted"),
        ("DELETE FROM event", "an event is never deleted"),
        (
            "UPDATE asset_label SET value = ''",
            "a label is never changed",
        ),
        ("DELETE FROM asset_label", "a label is never deleted"),
        (
            "UPDATE lineage_edge SET position = 7",
            "an edge is never changed",
        ),
        ("DELETE FROM lineage_edge", "an edge is never deleted"),
        (
            "UPDATE upload_intent SET size_bytes = 1",
            "an intent's promise is never changed",
        ),
        (
            "UPDATE upload_intent SET ends_at = 0",
            "an intent's promise is never changed",
        ),
        ("DELETE FROM upload_intent", "an intent is never deleted"),
        (
            "UPDATE catalog SET catalog_id = zeroblob(16)",
            "the catalogue's id is never changed",
        ),
        ("DELETE FROM catalog", "the catalogue's id is never deleted"),
        (
            "UPDATE object_store SET bucket = 'other'",
            "an object store is never changed",
        ),
        (
            "DELETE FROM object_store",
            "an object store is never deleted",
        ),
        (
            "UPDATE scope SET last_sequence = 1",
            "a scope's sequence never goes back",
        ),
        ("DELETE FROM scope", "a scope is never deleted"),
    ] {
        assert_eq!(refusal(&mut raw, sql).await, refused, "{sql}");
    }
}

#[tokio::test]
async fn an_intents_state_only_moves_forward() {
    let (_home, mut raw) = filled().await;
    for sql in [
        "UPDATE upload_intent SET state = 'pending' WHERE state = 'registered'",
        "UPDATE upload_intent SET state = 'ended' WHERE state = 'registered'",
    ] {
        assert_eq!(
            refusal(&mut raw, sql).await,
            "an intent's state only moves forward",
            "{sql}"
        );
    }
    let end = "UPDATE upload_intent SET state = 'ended' WHERE state = 'pending'";
    let ended = sqlx::query(end).execute(&mut raw).await.unwrap();
    assert_eq!(ended.rows_affected(), 1);
    let revive = "UPDATE upload_intent SET state = 'pending' WHERE state = 'ended'";
    assert_eq!(
        refusal(&mut raw, revive).await,
        "an intent's state only moves forward"
    );
    let late = "UPDATE upload_intent SET state = 'registered' WHERE state = 'ended'";
    let registered = sqlx::query(late).execute(&mut raw).await.unwrap();
    assert_eq!(registered.rows_affected(), 1);
}

#[tokio::test]
async fn an_aborted_intent_stays_aborted() {
    let (_home, mut raw) = filled().await;
    let abort = "UPDATE upload_intent SET state = 'aborted' WHERE state = 'pending'";
    let aborted = sqlx::query(abort).execute(&mut raw).await.unwrap();
    assert_eq!(aborted.rows_affected(), 1);
    for state in ["pending", "registered", "ended"] {
        let sql = format!("UPDATE upload_intent SET state = '{state}' WHERE state = 'aborted'");
        let refused = sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut raw)
            .await;
        let refused = refused
            .unwrap_err()
            .as_database_error()
            .unwrap()
            .message()
            .to_owned();
        assert_eq!(refused, "an intent's state only moves forward", "{state}");
    }
}

/// Every column of a record except those that are no part of it. A new column must be listed
/// explicitly.
#[tokio::test]
async fn no_column_of_a_record_is_changed() {
    let (_home, mut raw) = filled().await;
    let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info('asset')")
        .fetch_all(&mut raw)
        .await
        .unwrap();
    for column in columns {
        let sql = format!("UPDATE asset SET {column} = {column}");
        let updated = sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut raw)
            .await;
        let is_free = [
            "train_ok_effective",
            "stated_train_ok",
            "stated_pii_flags",
            "last_fact",
            "verdict",
            "verified_at",
            "found_sha256",
            "found_size_bytes",
        ]
        .contains(&&*column);
        assert_eq!(updated.is_ok(), is_free, "{column}: {updated:?}");
    }
}

#[tokio::test]
async fn declared_parts_and_stated_facts_are_not_changed() {
    let (_home, mut raw) = filled().await;
    for sql in [
        "INSERT INTO upload_part SELECT tenant_id, env, asset_id, 1, 1, zeroblob(32)
         FROM upload_intent LIMIT 1",
        "INSERT INTO stated_fact (tenant_id, env, sequence, asset_id, kind, value, stated_at,
            stated_by)
         SELECT tenant_id, env, registered_sequence, asset_id, 'train_ok', 'false', 0, 'u'
         FROM asset LIMIT 1",
    ] {
        let added = sqlx::query(sql).execute(&mut raw).await.unwrap();
        assert_eq!(added.rows_affected(), 1, "{sql}");
    }
    for (sql, refused) in [
        (
            "UPDATE upload_part SET size_bytes = 2",
            "a declared part is never changed",
        ),
        (
            "DELETE FROM upload_part",
            "a declared part is never deleted",
        ),
        (
            "UPDATE stated_fact SET value = 'true'",
            "a stated fact is never changed",
        ),
        ("DELETE FROM stated_fact", "a stated fact is never deleted"),
    ] {
        assert_eq!(refusal(&mut raw, sql).await, refused, "{sql}");
    }
    let replace = "INSERT OR REPLACE INTO upload_part
        SELECT tenant_id, env, asset_id, part_number, 2, sha256 FROM upload_part";
    let ignored = sqlx::query(replace).execute(&mut raw).await.unwrap();
    assert_eq!(ignored.rows_affected(), 0);
    let sizes: Vec<i64> = sqlx::query_scalar("SELECT size_bytes FROM upload_part")
        .fetch_all(&mut raw)
        .await
        .unwrap();
    assert_eq!(sizes, [1]);
}

/// It is that of one upload at a time, and only of an upload in parts.
#[tokio::test]
async fn an_uploads_id_changes_only_while_its_intent_is_pending() {
    let home = Home::new();
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    for number in [1, 2] {
        let intent = sample::intent_in_parts(&scope, sample::asset_id(number));
        presign(&catalog, &intent).await;
    }
    presign(&catalog, &sample::intent(&scope, sample::asset_id(3))).await;
    catalog.close().await;
    let mut raw = home.raw().await;
    for sql in [
        "UPDATE upload_intent SET upload_id = 'one' WHERE kind = 'multipart'",
        "UPDATE upload_intent SET upload_id = 'two' WHERE kind = 'multipart'",
        "UPDATE upload_intent SET state = 'aborted' WHERE rowid = 1",
        "UPDATE upload_intent SET state = 'registered' WHERE rowid = 2",
    ] {
        sqlx::query(sql).execute(&mut raw).await.unwrap();
    }
    for sql in [
        "UPDATE upload_intent SET upload_id = 'three' WHERE state = 'aborted'",
        "UPDATE upload_intent SET upload_id = 'three' WHERE state = 'registered'",
        "UPDATE upload_intent SET upload_id = NULL WHERE kind = 'multipart'",
    ] {
        let refused = "an upload's id only changes while its intent is pending";
        assert_eq!(refusal(&mut raw, sql).await, refused, "{sql}");
    }
    let single = "UPDATE upload_intent SET upload_id = 'one' WHERE kind = 'single'";
    let refused = refusal(&mut raw, single).await;
    assert!(refused.starts_with("CHECK constraint failed"), "{refused}");
}

#[tokio::test]
async fn written_rows_are_not_replaced() {
    let (_home, mut raw) = filled().await;
    for (sql, refused) in [
        (
            "INSERT OR REPLACE INTO asset SELECT * FROM asset",
            "a record is never replaced",
        ),
        (
            "INSERT OR REPLACE INTO event SELECT * FROM event",
            "an event is never replaced",
        ),
        (
            "INSERT OR REPLACE INTO asset_label SELECT * FROM asset_label",
            "a label is never replaced",
        ),
        (
            "INSERT OR REPLACE INTO lineage_edge SELECT * FROM lineage_edge",
            "an edge is never replaced",
        ),
    ] {
        assert_eq!(refusal(&mut raw, sql).await, refused, "{sql}");
    }
    let replace = "INSERT OR REPLACE INTO upload_intent SELECT * FROM upload_intent";
    let replaced = sqlx::query(replace).execute(&mut raw).await.unwrap();
    assert_eq!(replaced.rows_affected(), 0);
}

#[tokio::test]
async fn no_row_refers_to_another_tenant() {
    const REFUSED: &str = "FOREIGN KEY constraint failed";
    let (_home, mut raw) = filled().await;
    let stranger = "INSERT INTO scope (tenant_id, env) VALUES ('t_b', 'dev')";
    sqlx::raw_sql(stranger).execute(&mut raw).await.unwrap();
    for sql in [
        "INSERT INTO lineage_edge SELECT 't_b', env, child_id, position, parent_id,
            registered_sequence FROM lineage_edge",
        "INSERT INTO asset_label SELECT 't_b', env, asset_id, label, is_registered, value,
            registered_sequence, in_force FROM asset_label",
        "INSERT INTO event SELECT 't_b', env, sequence, event_id, asset_id, event_type,
            occurred_at, facts_salt, facts, facts_digest, personal_salt, personal,
            personal_digest, erased_at FROM event",
        "INSERT INTO scope_log SELECT 't_c', env, from_sequence, zeroblob(16), origin,
            object_store_id FROM scope_log",
        "INSERT INTO delivery VALUES ('t_b', 'dev', 'log', 1)",
        "INSERT INTO parked_event VALUES ('t_b', 'dev', 'log', 1, '', 0, NULL)",
        "INSERT INTO idempotency SELECT 't_b', env, 'u', 'r', 'k', zeroblob(32), asset_id, 0
         FROM upload_intent LIMIT 1",
    ] {
        assert_eq!(refusal(&mut raw, sql).await, REFUSED, "{sql}");
    }
}

#[tokio::test]
async fn a_cursor_moves_neither_back_nor_past_the_last_event() {
    let (_home, mut raw) = filled().await;
    let set = "INSERT INTO delivery VALUES ('t_a', 'dev', 'log', 3)";
    sqlx::raw_sql(set).execute(&mut raw).await.unwrap();
    let back = "UPDATE delivery SET cursor = 2";
    assert_eq!(refusal(&mut raw, back).await, "a cursor never goes back");
    let past = "UPDATE delivery SET cursor = 99";
    assert_eq!(
        refusal(&mut raw, past).await,
        "FOREIGN KEY constraint failed"
    );
}

#[tokio::test]
async fn a_scope_counts_open_intents_and_registered_assets() {
    let (_home, mut raw) = filled().await;
    let size = i64::try_from(sample::CONTENT.len()).unwrap();
    let counts: (i64, i64, i64, i64, i64) = sqlx::query_as(
        "SELECT last_sequence, open_count, open_bytes, registered_count, registered_bytes
         FROM scope",
    )
    .fetch_one(&mut raw)
    .await
    .unwrap();
    assert_eq!(counts, (5, 1, size, 2, 2 * size));
}
