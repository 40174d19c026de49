//! What PostgreSQL may do in the middle of a group: end the session, undo the transaction, commit
//! and lose the answer. Callers get a true answer in bounded time, and nothing is half done.

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

/// How long any call may take.
const BOUND: Duration = Duration::from_secs(3);

/// A place after each statement of our functions, at which a test can have something happen, once:
/// sequences count on through whatever is rolled back.
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
        AND proname IN ('write_v1', 'write_scope_v1', 'hash_v1')";

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
                // unlike PERFORM it leaves FOUND as it is
                out += "ASSERT test_point();\n";
            }
            _ => {}
        }
    }
    out
}

/// Has `how` happen at the `at`th statement from here on.
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

/// How many statements were passed since.
async fn passed(raw: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT last_value FROM test_passed")
        .fetch_one(raw)
        .await
        .unwrap()
}

const NEVER: i64 = i64::MAX;

/// Goes through the statements of a register, with `how` at each in turn; what each came to.
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
    // so many statements there are at least
    assert!(at > 20, "{at}");
    let events = catalog
        .events(&scope, &EventQuery::first(10_000))
        .await
        .unwrap();
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    let expected: Vec<u64> = (1..=2 * (at.unsigned_abs() + 1)).collect();
    assert_eq!(sequences, expected, "{how}");
}

/// Registers, and finds that it happened whole.
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
async fn a_session_that_is_ended_at_any_statement_of_a_register_costs_no_answer() {
    at_each_statement_of_a_register("terminate", register_whole).await;
}

#[tokio::test]
async fn a_deadlock_at_any_statement_of_a_register_costs_no_answer() {
    at_each_statement_of_a_register("40P01", register_whole).await;
}

#[tokio::test]
async fn a_serialization_failure_at_any_statement_of_a_register_costs_no_answer() {
    at_each_statement_of_a_register("40001", register_whole).await;
}

#[tokio::test]
async fn a_wait_that_took_too_long_at_any_statement_of_a_register_costs_no_answer() {
    at_each_statement_of_a_register("55P03", register_whole).await;
}

/// A full disk will not be less full a moment later: the caller is told, nothing is written, and
/// the same call again succeeds.
#[tokio::test]
async fn a_full_disk_at_any_statement_of_a_register_is_told_and_leaves_nothing() {
    at_each_statement_of_a_register("53100", async |catalog, intent| {
        let parent = sample::asset_id(0);
        let new = sample::new_asset(intent, sample::derived_from(&[parent]));
        match catalog.register(new.clone()).await {
            Err(CatalogError::Unavailable(_)) => {
                let types = event_types(catalog, &intent.scope, intent).await;
                assert_eq!(types, [EventType::RawAssetPresigned]);
                register_whole(catalog, intent).await;
            }
            // the point lies behind the last statement
            told => assert_eq!(told.unwrap(), RegisterOutcome::Registered),
        }
    })
    .await;
}

/// The transaction is committed, and its answer never comes: what was written is found by its
/// event, and answered as what it is, once.
#[tokio::test]
async fn an_answer_that_is_lost_after_the_commit_is_looked_for() {
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

    // of somebody else's registration it is not taken for its own
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
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.sequence, event.body.asset_id, event.body.event_type))
        .collect();
    assert_eq!(
        told,
        [
            (1, plain.asset_id, EventType::RawAssetPresigned),
            (2, keyed.asset_id, EventType::RawAssetPresigned),
            (3, plain.asset_id, EventType::RawAssetPresigned),
            (4, plain.asset_id, EventType::RawAssetRegistered),
        ]
    );
}

/// A server that takes what is sent and says nothing any more holds nobody up for long.
#[tokio::test]
async fn a_server_that_falls_silent_is_told_of_in_time() {
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

/// After all its sessions were ended the catalogue answers the first question that is asked.
#[tokio::test]
async fn ended_sessions_are_replaced_without_an_error() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let mut admin = home.admin().await;
    let scope = sample::scope("t_a", "dev");
    for n in 1..=5 {
        let intent = sample::intent(&scope, sample::asset_id(n));
        presign(&catalog, &intent).await;
        // several readers at once, so that the pool has grown
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
