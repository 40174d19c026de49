//! The rows of the tables, by direct access.

use nexus_raw::{asset::Provenance, ports::AssetCatalog as _};
use nexus_raw_testkit::{
    sample,
    steps::{outlive_a_key_and_a_digest, presign, presign_and_register, register_a_family},
};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::{Home, run};

#[tokio::test]
async fn training_is_allowed_if_a_record_and_all_its_ancestors_allow_it() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let expected = register_a_family(&catalog, &sample::scope("t_a", "dev")).await;
    let effective = "SELECT train_ok_effective FROM asset ORDER BY registered_sequence";
    let effective: Vec<bool> = sqlx::query_scalar(effective)
        .fetch_all(&mut home.admin().await)
        .await
        .unwrap();
    assert_eq!(effective, expected);
}

/// And only during a withdrawal, if the row does not settle it: callers share the reads of rows.
#[tokio::test]
async fn the_ancestors_of_an_asset_are_searched_for_its_callers_alone() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let [allowed, denied] = [1, 2].map(|n| sample::intent(&scope, sample::asset_id(n)));
    let provenance = Provenance {
        train_ok: true,
        ..Provenance::default()
    };
    presign_and_register(&catalog, &allowed, provenance).await;
    presign_and_register(&catalog, &denied, Provenance::default()).await;
    let mut admin = home.admin().await;
    let fails = "CREATE OR REPLACE FUNCTION effective_v1(a asset) RETURNS boolean LANGUAGE plpgsql
        STABLE AS $$ BEGIN RAISE EXCEPTION 'searched'; END $$";
    run(&mut admin, fails).await;
    let effective = async || {
        tokio::join!(
            catalog.train_ok_effective(&scope, allowed.asset_id),
            catalog.train_ok_effective(&scope, denied.asset_id),
        )
    };
    let (found, other) = effective().await;
    assert_eq!((found.unwrap(), other.unwrap()), (Some(true), Some(false)));
    run(&mut admin, "UPDATE scope SET withdrawing = true").await;
    let (found, other) = effective().await;
    assert!(found.is_err(), "{found:?}");
    assert_eq!(other.unwrap(), Some(false));
}

#[tokio::test]
async fn ended_keys_and_digests_are_removed() {
    let home = Home::new().await;
    let catalog = home.open().await;
    outlive_a_key_and_a_digest(&catalog, &sample::scope("t_a", "dev")).await;
    let mut admin = home.admin().await;
    let rows = "SELECT (SELECT count(*) FROM idempotency), (SELECT count(*) FROM object_digest)";
    let rows: (i64, i64) = sqlx::query_as(rows).fetch_one(&mut admin).await.unwrap();
    assert_eq!(rows, (1, 0));
}

/// Returns a catalogue with a record, a record derived from it, and an intent, and a connection of
/// an administrator, who bypasses the policies.
async fn filled() -> (Home, PgConnection) {
    let home = Home::new().await;
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let [parent, child, pending] = [1, 2, 3].map(|n| sample::intent(&scope, sample::asset_id(n)));
    presign_and_register(&catalog, &parent, sample::provenance()).await;
    let provenance = Provenance {
        labels: sample::provenance().labels,
        ..sample::derived_from(&[parent.asset_id])
    };
    presign_and_register(&catalog, &child, provenance).await;
    presign(&catalog, &pending).await;
    let mut admin = home.admin().await;
    for sql in [
        "INSERT INTO upload_part SELECT tenant_id, env, asset_id, 1, 1, sha256('')
         FROM upload_intent LIMIT 1",
        "INSERT INTO stated_fact (tenant_id, env, sequence, asset_id, kind, value, stated_at,
            stated_by)
         SELECT tenant_id, env, registered_sequence, asset_id, 'train_ok', 'false', 0, 'u'
         FROM asset LIMIT 1",
    ] {
        run(&mut admin, sql).await;
    }
    (home, admin)
}

async fn refusal(admin: &mut PgConnection, sql: &str) -> String {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(admin);
    let error = done.await.unwrap_err();
    error.as_database_error().unwrap().message().to_owned()
}

#[tokio::test]
async fn written_rows_are_neither_changed_nor_deleted() {
    let (_home, mut admin) = filled().await;
    for (table, what) in [
        ("catalog", "the catalogue's id"),
        ("object_store", "an object store"),
        ("scope_log", "a scope's log"),
        ("event", "an event"),
        ("asset_label", "a label"),
        ("lineage_edge", "an edge"),
        ("upload_part", "a declared part"),
        ("stated_fact", "a stated fact"),
    ] {
        let column = match table {
            "catalog" => "catalog_id",
            "object_store" => "region",
            _ => "tenant_id",
        };
        let change = format!("UPDATE {table} SET {column} = {column}");
        let refused = format!("{what} is never changed");
        assert_eq!(refusal(&mut admin, &change).await, refused);
        for delete in [
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
        ] {
            let refused = refusal(&mut admin, &delete).await;
            assert!(
                refused.ends_with(" is never deleted"),
                "{delete}: {refused}"
            );
        }
    }
    for (sql, refused) in [
        ("DELETE FROM asset", "a record is never deleted"),
        ("DELETE FROM upload_intent", "an intent is never deleted"),
        ("DELETE FROM scope", "a scope is never deleted"),
        (
            "UPDATE scope SET last_sequence = 1",
            "a scope's sequence never goes back",
        ),
        (
            "UPDATE upload_intent SET part_size_bytes = 1, kind = 'multipart'",
            "an intent's promise is never changed",
        ),
    ] {
        assert_eq!(refusal(&mut admin, sql).await, refused, "{sql}");
    }
}

/// Every column of a record except those that are no part of it. A new column must be listed
/// explicitly.
#[tokio::test]
async fn no_column_of_a_record_is_changed() {
    let (_home, mut admin) = filled().await;
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name = 'asset'",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert!(columns.len() > 25, "{columns:?}");
    for column in columns {
        let sql = AssertSqlSafe(format!("UPDATE asset SET {column} = {column}"));
        let updated = sqlx::raw_sql(sql).execute(&mut admin).await;
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
async fn an_aborted_intent_stays_aborted() {
    let (_home, mut admin) = filled().await;
    let abort = "UPDATE upload_intent SET state = 'aborted' WHERE state = 'pending'";
    run(&mut admin, abort).await;
    for state in ["pending", "registered", "ended"] {
        let sql = format!("UPDATE upload_intent SET state = '{state}' WHERE state = 'aborted'");
        let refused = refusal(&mut admin, &sql).await;
        assert_eq!(refused, "an intent's state only moves forward", "{state}");
    }
}

/// It is that of one upload at a time, and only of an upload in parts.
#[tokio::test]
async fn an_uploads_id_changes_only_while_its_intent_is_pending() {
    let (home, mut admin) = filled().await;
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let [gone, done] = [11, 12].map(|n| sample::intent_in_parts(&scope, sample::asset_id(n)));
    presign(&catalog, &gone).await;
    presign(&catalog, &done).await;
    for sql in [
        "UPDATE upload_intent SET upload_id = 'one' WHERE kind = 'multipart'".to_owned(),
        "UPDATE upload_intent SET upload_id = 'two' WHERE kind = 'multipart'".to_owned(),
        format!(
            "UPDATE upload_intent SET state = 'aborted' WHERE asset_id = '{}'",
            gone.asset_id
        ),
        format!(
            "UPDATE upload_intent SET state = 'registered' WHERE asset_id = '{}'",
            done.asset_id
        ),
    ] {
        run(&mut admin, &sql).await;
    }
    for sql in [
        "UPDATE upload_intent SET upload_id = 'three' WHERE state = 'aborted'",
        "UPDATE upload_intent SET upload_id = 'three'
         WHERE state = 'registered' AND kind = 'multipart'",
        "UPDATE upload_intent SET upload_id = NULL WHERE kind = 'multipart'",
    ] {
        let refused = "an upload's id only changes while its intent is pending";
        assert_eq!(refusal(&mut admin, sql).await, refused, "{sql}");
    }
    let single = "UPDATE upload_intent SET upload_id = 'one' WHERE state = 'pending'";
    let refused = refusal(&mut admin, single).await;
    assert!(refused.contains("check constraint"), "{refused}");
}
