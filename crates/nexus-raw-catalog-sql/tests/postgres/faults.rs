//! Failures of PostgreSQL during a group: it ends the session, rolls back the transaction, or
//! commits and the response is lost. Callers get a correct response in bounded time, and no write
//! is partial.

use std::time::Duration;

use nexus_raw::{
    asset::{Provenance, UploadIntent},
    event::EventType,
    ports::{AssetCatalog, CatalogError, EventQuery, KeyedOutcome, RegisterOutcome, RepeatOutcome},
    tenancy::Scope,
};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_testkit::{
    sample,
    steps::{presign, presign_and_register},
};
use sqlx::PgConnection;
use tokio::time::Instant;

use crate::{
    proxy::Proxy,
    support::{Home, run},
};

/// The time limit of a call.
const BOUND: Duration = Duration::from_secs(3);

/// A point after each statement of our functions, at which a test can cause a failure, once: a
/// sequence is not rolled back.
const POINT: &str = "
    CREATE SEQUENCE test_passed;
    CREATE SEQUENCE test_armed;
    CREATE TABLE test_how (how text);
    INSERT INTO test_how VALUES ('');
    CREATE FUNCTION test_point() RETURNS boolean LANGUAGE plpgsql AS $$
    DECLARE
        armed text;
    BEGIN
        IF nextval('test_passed') = (SELECT last_value FROM test_armed) THEN
            SELECT how INTO armed FROM test_how;
            IF armed = 'terminate' THEN
                PERFORM pg_terminate_backend(pg_backend_pid());
                PERFORM pg_sleep(10);
            END IF;
            RAISE EXCEPTION 'of a test' USING ERRCODE = armed;
        END IF;
        RETURN true;
    END
    $$";

const FUNCTIONS: &str = "
    SELECT pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace
        AND proname IN ('write_v1', 'write_scope_v1', 'work_v1')";

async fn put_points(raw: &mut PgConnection) {
    run(raw, POINT).await;
    let functions: Vec<String> = sqlx::query_scalar(FUNCTIONS)
        .fetch_all(&mut *raw)
        .await
        .unwrap();
    assert_eq!(functions.len(), 3);
    for function in functions {
        run(raw, &with_points(&function)).await;
    }
}

fn with_points(function: &str) -> String {
    let mut declares = true;
    let mut out = String::new();
    for line in function.lines() {
        out += line;
        out.push('\n');
        match line.trim() {
            "DECLARE" => declares = true,
            "BEGIN" => declares = false,
            statement if !declares && statement.ends_with(';') => {
                // unlike PERFORM it does not change FOUND
                out += "ASSERT test_point();\n";
            }
            _ => {}
        }
    }
    out
}

/// Causes the failure `how` at the `at`th statement from now on.
async fn arm(raw: &mut PgConnection, at: i64, how: &str) {
    sqlx::query("UPDATE test_how SET how = $1")
        .bind(how)
        .execute(&mut *raw)
        .await
        .unwrap();
    sqlx::query("SELECT setval('test_armed', $1), setval('test_passed', 1, false)")
        .bind(at)
        .execute(raw)
        .await
        .unwrap();
}

/// Returns the number of statements since then.
async fn passed(raw: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT last_value FROM test_passed")
        .fetch_one(raw)
        .await
        .unwrap()
}

const NEVER: i64 = i64::MAX;

/// Registers once for each statement of a register, with `how` at that statement, and returns the
/// outcomes.
async fn at_each_statement_of_a_register(
    how: &str,
    check: impl AsyncFn(&SqlAssetCatalog, &UploadIntent),
) {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    let catalog = home.open().await;
    put_points(&mut raw).await;
    let scope = sample::scope("t_a", "dev");
    let parent = sample::intent(&scope, sample::asset_id(0));
    arm(&mut raw, NEVER, "").await;
    presign_and_register(&catalog, &parent, sample::provenance()).await;
    let mut at: i64 = 1;
    loop {
        let intent = sample::intent(&scope, sample::asset_id(at.unsigned_abs()));
        arm(&mut raw, NEVER, "").await;
        presign(&catalog, &intent).await;
        arm(&mut raw, at, how).await;
        let asked = Instant::now();
        check(&catalog, &intent).await;
        assert!(
            asked.elapsed() < BOUND,
            "{how} at {at}: {:?}",
            asked.elapsed()
        );
        let reached = passed(&mut raw).await >= at;
        if !reached {
            break;
        }
        at += 1;
    }
    // the minimum number of statements
    assert!(at > 20, "{at}");
    let events = catalog
        .events(&scope, &EventQuery::first(10_000))
        .await
        .unwrap();
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    let expected: Vec<u64> = (1..=2 * (at.unsigned_abs() + 1)).collect();
    assert_eq!(sequences, expected, "{how}");
}

/// Registers, and asserts that the registration is complete.
async fn register_whole(catalog: &SqlAssetCatalog, intent: &UploadIntent) {
    let parent = sample::asset_id(0);
    let new = sample::new_asset(intent, sample::derived_from(&[parent]));
    let outcome = catalog.register(new.clone()).await.unwrap();
    assert_eq!(outcome, RegisterOutcome::Registered);
    assert_whole(catalog, intent).await;
}

async fn assert_whole(catalog: &SqlAssetCatalog, intent: &UploadIntent) {
    let types = event_types(catalog, &intent.scope, intent).await;
    let both = [EventType::RawAssetPresigned, EventType::RawAssetRegistered];
    assert_eq!(types, both);
    let found = catalog.find_asset(&intent.scope, intent.asset_id).await;
    assert!(found.unwrap().is_some());
}

async fn event_types(
    catalog: &SqlAssetCatalog,
    scope: &Scope,
    intent: &UploadIntent,
) -> Vec<EventType> {
    let events = catalog
        .events(scope, &EventQuery::first(1000).of_asset(intent.asset_id))
        .await
        .unwrap();
    events.iter().map(|event| event.body.event_type).collect()
}

#[tokio::test]
async fn a_session_ended_at_any_statement_of_a_register_is_retried() {
    at_each_statement_of_a_register("terminate", register_whole).await;
}

#[tokio::test]
async fn a_deadlock_at_any_statement_of_a_register_is_retried() {
    at_each_statement_of_a_register("40P01", register_whole).await;
}

#[tokio::test]
async fn a_serialization_failure_at_any_statement_of_a_register_is_retried() {
    at_each_statement_of_a_register("40001", register_whole).await;
}

#[tokio::test]
async fn a_lock_timeout_at_any_statement_of_a_register_is_retried() {
    at_each_statement_of_a_register("55P03", register_whole).await;
}

/// A full disk is not retried: the caller gets an error, nothing is written, and a later repeat of
/// the call succeeds.
#[tokio::test]
async fn a_full_disk_at_any_statement_of_a_register_is_reported_and_nothing_is_written() {
    at_each_statement_of_a_register("53100", async |catalog, intent| {
        let parent = sample::asset_id(0);
        let new = sample::new_asset(intent, sample::derived_from(&[parent]));
        match catalog.register(new.clone()).await {
            Err(CatalogError::Unavailable(_)) => {
                let types = event_types(catalog, &intent.scope, intent).await;
                assert_eq!(types, [EventType::RawAssetPresigned]);
                register_whole(catalog, intent).await;
            }
            // the point is after the last statement
            outcome => assert_eq!(outcome.unwrap(), RegisterOutcome::Registered),
        }
    })
    .await;
}

/// The transaction is committed and its response is lost: the written rows are found by their
/// event, and the caller gets the outcome.
#[tokio::test]
async fn a_response_lost_after_the_commit_is_looked_up() {
    let home = Home::new().await;
    let proxy = Proxy::before(home.address()).await;
    let catalog = home.open_at(proxy.address()).await;
    let scope = sample::scope("t_a", "dev");
    let [plain, keyed] = [1, 2].map(|n| sample::intent(&scope, sample::asset_id(n)));

    proxy.lose_an_answer();
    presign(&catalog, &plain).await;
    assert_eq!(proxy.lost(), 1);

    proxy.lose_an_answer();
    let key = sample::key(&scope, "k");
    let outcome = catalog
        .record_keyed_intent(sample::keyed(&key, &keyed))
        .await;
    assert_eq!(outcome.unwrap(), KeyedOutcome::Recorded);
    assert_eq!(proxy.lost(), 2);
    let other = sample::keyed(&key, &sample::intent(&scope, sample::asset_id(3)));
    let outcome = catalog.record_keyed_intent(other).await.unwrap();
    assert_eq!(outcome, KeyedOutcome::KeyStands);

    proxy.lose_an_answer();
    let repeat = sample::presigned(&plain);
    let outcome = catalog.record_repeated_presign(repeat).await.unwrap();
    assert_eq!(outcome, RepeatOutcome::Recorded);
    assert_eq!(proxy.lost(), 3);

    proxy.lose_an_answer();
    let new = sample::new_asset(&plain, Provenance::default());
    let outcome = catalog.register(new.clone()).await.unwrap();
    assert_eq!(outcome, RegisterOutcome::Registered);
    assert_eq!(proxy.lost(), 4);

    // a registration by another caller is not mistaken for this one
    proxy.lose_an_answer();
    let outcome = catalog.register(new.clone()).await.unwrap();
    assert!(
        matches!(outcome, RegisterOutcome::AlreadyRegistered { .. }),
        "{outcome:?}"
    );
    let events = catalog
        .events(&scope, &EventQuery::first(100))
        .await
        .unwrap();
    let bodies: Vec<_> = events
        .iter()
        .map(|event| (event.sequence, event.body.asset_id, event.body.event_type))
        .collect();
    assert_eq!(
        bodies,
        [
            (1, plain.asset_id, EventType::RawAssetPresigned),
            (2, keyed.asset_id, EventType::RawAssetPresigned),
            (3, plain.asset_id, EventType::RawAssetPresigned),
            (4, plain.asset_id, EventType::RawAssetRegistered),
        ]
    );
}

/// A server that accepts data and no longer responds delays no caller for long.
#[tokio::test]
async fn a_silent_server_is_reported_in_time() {
    let home = Home::new().await;
    let proxy = Proxy::before(home.address()).await;
    let catalog = home.open_at(proxy.address()).await;
    let scope = sample::scope("t_a", "dev");
    let [before, during, after] = [1, 2, 3].map(|n| sample::intent(&scope, sample::asset_id(n)));
    presign(&catalog, &before).await;
    proxy.fall_silent();
    let asked = Instant::now();
    let event = sample::presigned(&during);
    let (written, read) = tokio::join!(
        catalog.record_intent(during.clone(), event),
        catalog.find_intent(&scope, before.asset_id)
    );
    assert!(
        matches!(written, Err(CatalogError::Unavailable(_))),
        "{written:?}"
    );
    assert!(
        matches!(read, Err(CatalogError::Unavailable(_))),
        "{read:?}"
    );
    assert!(
        asked.elapsed() < BOUND + Duration::from_millis(500),
        "{:?}",
        asked.elapsed()
    );
    proxy.speak_again();
    presign(&catalog, &after).await;
    catalog.find_intent(&scope, before.asset_id).await.unwrap();
}

/// After the end of all its sessions the first call of the catalogue succeeds.
#[tokio::test]
async fn ended_sessions_are_replaced_without_an_error() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let mut admin = home.admin().await;
    let scope = sample::scope("t_a", "dev");
    for n in 1..=5 {
        let intent = sample::intent(&scope, sample::asset_id(n));
        presign(&catalog, &intent).await;
        // concurrent reads, so that the pool has several connections
        let reads = (0..6).map(|_| catalog.find_intent(&scope, intent.asset_id));
        for read in futures_util::future::join_all(reads).await {
            assert!(read.unwrap().is_some());
        }
        home.end_others(&mut admin).await;
        let found = catalog.find_intent(&scope, intent.asset_id).await;
        assert!(found.unwrap().is_some());
        catalog.ready().await.unwrap();
    }
}
