//! The functions: how `migrate` updates them, and which columns they set.

use nexus_raw::ports::AssetCatalog;
use nexus_raw_catalog_sql::{OpenError, SqlAssetCatalog};
use nexus_raw_testkit::{sample, steps::presign_and_register};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::{Home, run};

const OLDER: &str = "the catalogue's schema is missing, or from an older version of this program: \
                     run `nexus-raw-server migrate`";

/// Returns the statement that creates a function as it is.
async fn definition(raw: &mut PgConnection, name: &str) -> String {
    sqlx::query_scalar("SELECT pg_get_functiondef($1::regproc)")
        .bind(name)
        .fetch_one(raw)
        .await
        .unwrap()
}

/// Changes a function's body without a change of its behaviour.
async fn change(raw: &mut PgConnection, name: &str) {
    let made = definition(raw, name).await;
    run(raw, &made.replacen("BEGIN", "BEGIN -- changed", 1)).await;
}

/// Records the current body of a function, as `migrate` of another version does.
async fn note(raw: &mut PgConnection, name: &str) {
    let note = format!(
        "UPDATE made_function SET text_sha256 = sha256('other'), body_sha256 =
            (SELECT sha256(convert_to(prosrc, 'UTF8')) FROM pg_proc WHERE proname = '{name}')
         WHERE name = '{name}'"
    );
    run(raw, &note).await;
}

async fn finding_of_migrate(home: &Home) -> String {
    match SqlAssetCatalog::migrate(home.settings()).await {
        Err(OpenError::Incompatible { finding }) => finding,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_changed_function_is_created_again_by_migrate() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    let made = definition(&mut raw, "write_v1").await;
    for change in [
        made.replacen("BEGIN", "BEGIN -- changed", 1),
        "ALTER FUNCTION write_v1 SECURITY DEFINER".to_owned(),
        "ALTER FUNCTION write_v1 RESET search_path".to_owned(),
        "DROP FUNCTION write_v1".to_owned(),
    ] {
        run(&mut raw, &change).await;
        let finding = home.refusal().await;
        assert!(
            finding.starts_with("the functions write_v1 are not as"),
            "{change}"
        );
        assert_eq!(home.migrate().await, [0; 0]);
        assert_eq!(definition(&mut raw, "write_v1").await, made, "{change}");
        drop(home.open().await);
    }
}

/// It does not know which of the two is called.
#[tokio::test]
async fn migrate_does_not_drop_an_overload_of_our_functions() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    let beside = "CREATE FUNCTION write_v1(group_of json, again integer) RETURNS json LANGUAGE sql
        AS 'SELECT group_of'";
    run(&mut raw, beside).await;
    let finding = finding_of_migrate(&home).await;
    assert!(
        finding.ends_with("drop overloads, and run it again"),
        "{finding}"
    );
    run(&mut raw, "DROP FUNCTION write_v1(json, integer)").await;
    drop(home.open().await);
}

#[tokio::test]
async fn a_function_of_an_older_version_is_replaced_by_its_current_text() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    let made = definition(&mut raw, "asset_v1").await;
    let forget = "DELETE FROM made_function WHERE name = 'asset_v1'";
    for (of_before, is_noted) in [
        (made.replacen("BEGIN", "BEGIN -- older", 1), true),
        // with the current body
        ("ALTER FUNCTION asset_v1 STABLE".to_owned(), true),
        (format!("DROP FUNCTION asset_v1; {forget}"), false),
    ] {
        run(&mut raw, &of_before).await;
        if is_noted {
            note(&mut raw, "asset_v1").await;
        }
        assert_eq!(home.refusal().await, OLDER, "{of_before}");
        home.migrate().await;
        assert_eq!(definition(&mut raw, "asset_v1").await, made, "{of_before}");
        drop(home.open().await);
    }
}

/// A newer version has fixed a body and declares support for ours: our server works with it, and
/// our `migrate` keeps it. An unrecorded change is still refused.
#[tokio::test]
async fn a_body_that_a_newer_version_fixed_is_unchanged() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    change(&mut raw, "write_v1").await;
    note(&mut raw, "write_v1").await;
    assert_eq!(home.refusal().await, OLDER);
    run(
        &mut raw,
        "INSERT INTO schema_version VALUES (9000, 1);
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9000, 'functions', true, '\\x00', 0)",
    )
    .await;
    let catalog = home.open().await;
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    presign_and_register(&catalog, &intent, sample::provenance()).await;
    let mended = definition(&mut raw, "write_v1").await;
    assert_eq!(
        finding_of_migrate(&home).await,
        "the catalogue's schema is from a newer version of this program: \
         its migration 9000 is unknown"
    );
    assert_eq!(definition(&mut raw, "write_v1").await, mended);
    change(&mut raw, "asset_v1").await;
    let finding = home.refusal().await;
    assert!(
        finding.starts_with("the functions asset_v1 are not as"),
        "{finding}"
    );
}

/// If one cannot be created, the others are unchanged.
#[tokio::test]
async fn functions_are_created_all_or_none() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    for first in ["add_events_v1", "parked_v1"] {
        change(&mut raw, first).await;
    }
    let other = "DROP FUNCTION enter(text, text);
        CREATE FUNCTION enter(tenant_id text, env text) RETURNS integer LANGUAGE sql
            AS 'SELECT 1'";
    run(&mut raw, other).await;
    let finding = finding_of_migrate(&home).await;
    let expected = "the functions do not match the schema of the database: ";
    assert!(finding.starts_with(expected), "{finding}");
    for first in ["add_events_v1", "parked_v1"] {
        let there = definition(&mut raw, first).await;
        assert!(there.contains("-- changed"), "{there}");
    }
    run(&mut raw, "DROP FUNCTION enter(text, text)").await;
    home.migrate().await;
    drop(home.open().await);
}

fn bytes() -> String {
    format!("\\x{}", "01".repeat(32))
}

/// An event that claims another scope and place.
fn event(id: &str) -> Value {
    json!({
        "tenant_id": "t_b", "env": "prod", "sequence": 77, "erased_at": 7,
        "asset_id": id, "event_type": "e", "occurred_at": 1,
        "facts_salt": bytes(), "facts": "{}", "facts_digest": bytes(),
        "personal_salt": bytes(), "personal": "{}", "personal_digest": bytes(),
    })
}

fn group(id: &str, asset: &Value) -> Value {
    let facts = json!({
        "tenant_id": "t_b", "env": "prod", "object_store_id": 77, "key_layout": 77,
        "state": "aborted", "work_epoch": 77, "erased_at": 7,
        "asset_id": id, "filename": "f", "content_type": "image/png", "size_bytes": 1,
        "sha256": bytes(), "requested_by": "u", "requested_at": 1, "ends_at": 2,
    });
    let key = json!({
        "tenant_id": "t_b", "env": "prod", "asset_id": id, "user_id": "u", "route": "r",
        "idempotency_key": "k", "body_digest": bytes(), "ends_at": 2,
    });
    let intent = json!({
        "n": 0, "bucket": "b-1", "intent": facts, "key": key, "event": event(id),
    });
    let registration = json!({
        "n": 2, "bucket": "b-1", "asset": asset, "labels": {}, "parents": [], "event": event(id),
    });
    json!({
        "store": { "endpoint": "", "region": "r", "buckets": ["b-1"], "key_layout": 1 },
        "scopes": [{
            "tenant_id": "t_a", "env": "dev", "max_presigns": 100, "intents": [intent],
            "repeats": [{ "n": 1, "event": event(id) }], "registrations": [registration],
            "work": [],
        }],
        "leases": [], "progress": [], "retries": [],
    })
}

fn asset(id: &str) -> Value {
    json!({
        "tenant_id": "t_b", "env": "prod", "registered_sequence": 77, "object_store_id": 77,
        "key_layout": 77, "train_ok_effective": false, "erased_at": 7,
        "asset_id": id, "filename": "f", "content_type": "image/png", "size_bytes": 1,
        "sha256": bytes(), "pii_flags": [], "train_ok": true, "registered_by": "u",
        "imported_at": 1, "provenance_digest": bytes(), "integrity_level": "l",
        "integrity_etag": "e",
    })
}

async fn write(raw: &mut PgConnection, group: &Value) -> Value {
    let written: String = sqlx::query_scalar("SELECT write_v1($1::json, false)::text")
        .bind(group.to_string())
        .fetch_one(raw)
        .await
        .unwrap();
    serde_json::from_str(&written).unwrap()
}

const ID: &str = "00000000-0000-0000-0000-000000000001";

/// The function sets the scope of a row and ignores one in the member.
#[tokio::test]
async fn a_member_does_not_choose_its_scope() {
    let home = Home::new().await;
    let written = write(&mut home.raw().await, &group(ID, &asset(ID))).await;
    let all = json!([[0, "recorded"], [1, "recorded"], [2, "registered"]]);
    assert_eq!(written, all);
    let mut admin = home.admin().await;
    let mut rows = async |columns: &str, table: &str| -> Vec<String> {
        let sql = format!("SELECT ROW({columns})::text FROM {table} ORDER BY 1");
        let rows = sqlx::query_scalar(AssertSqlSafe(sql));
        rows.fetch_all(&mut admin).await.unwrap()
    };
    assert_eq!(
        rows("tenant_id, env, sequence, erased_at", "event").await,
        ["(t_a,dev,1,)", "(t_a,dev,2,)", "(t_a,dev,3,)"]
    );
    let own = "tenant_id, env, object_store_id, key_layout, state, work_epoch, kind, erased_at";
    assert_eq!(
        rows(own, "upload_intent").await,
        ["(t_a,dev,1,1,registered,0,single,)"]
    );
    let own = "tenant_id, env, registered_sequence, object_store_id, key_layout, \
               train_ok_effective, erased_at";
    assert_eq!(rows(own, "asset").await, ["(t_a,dev,3,1,1,t,)"]);
    assert_eq!(rows("tenant_id, env", "idempotency").await, ["(t_a,dev)"]);
}

/// The functions of this version write and read a column of a later one.
#[tokio::test]
async fn a_new_column_of_a_record_needs_no_new_function() {
    let home = Home::new().await;
    let running = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(2));
    presign_and_register(&running, &intent, sample::provenance()).await;
    let mut raw = home.raw().await;
    run(&mut raw, "ALTER TABLE asset ADD COLUMN seen_at bigint").await;
    let mut asset = asset(ID);
    asset["seen_at"] = json!(5);
    write(&mut raw, &group(ID, &asset)).await;
    let read = "SELECT (r.asset).seen_at FROM asset_v1('t_a', 'dev', $1::uuid) r";
    let mut seen_at = async |id: String| -> Option<i64> {
        let read = sqlx::query_scalar(read).bind(id);
        read.fetch_one(&mut raw).await.unwrap()
    };
    assert_eq!(seen_at(ID.to_owned()).await, Some(5));
    assert_eq!(seen_at(intent.asset_id.to_string()).await, None);
    let found = running.find_asset(&scope, intent.asset_id).await;
    assert!(found.unwrap().is_some());
}

/// A record is inserted with all columns of its table, and those that an older server does not send
/// are null, so a default would have no effect.
#[tokio::test]
async fn no_column_of_a_record_has_a_default() {
    let home = Home::new().await;
    let defaults: Vec<String> = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns
         WHERE table_name = 'asset' AND column_default IS NOT NULL",
    )
    .fetch_all(&mut home.raw().await)
    .await
    .unwrap();
    assert_eq!(defaults, [""; 0]);
}
