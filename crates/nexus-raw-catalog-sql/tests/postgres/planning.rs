use nexus_raw_catalog_sql::{MigrationPlan, OpenError, PlanReason, SqlAssetCatalog};
use sqlx::PgConnection;

use crate::support::{Home, run};

async fn plan(home: &Home) -> Result<MigrationPlan, OpenError> {
    SqlAssetCatalog::plan_migration(home.settings()).await
}

fn versions(plan: &MigrationPlan) -> Vec<i64> {
    plan.migrations.iter().map(|it| it.version).collect()
}

fn functions(plan: &MigrationPlan) -> Vec<(&str, PlanReason)> {
    let functions = plan.functions.iter();
    functions.map(|it| (it.name, it.reason)).collect()
}

async fn relations(raw: &mut PgConnection) -> i64 {
    let relations = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    sqlx::query_scalar(relations).fetch_one(raw).await.unwrap()
}

#[tokio::test]
async fn a_plan_for_an_empty_database_has_everything_and_creates_nothing() {
    let home = Home::empty();
    let planned = plan(&home).await.unwrap();
    assert_eq!(versions(&planned), [1]);
    assert!(planned.functions.len() > 20, "{planned:?}");
    let is_missing = |it: &(&str, PlanReason)| it.1 == PlanReason::Missing;
    assert!(functions(&planned).iter().all(is_missing));
    assert_eq!(relations(&mut home.raw().await).await, 0);
    home.migrate().await;
    assert!(plan(&home).await.unwrap().is_empty());
}

/// What is planned is what is done: after the migration nothing is left.
#[tokio::test]
async fn a_plan_names_each_function_that_differs_and_why() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    run(
        &mut raw,
        "DROP FUNCTION totals_v1(); DELETE FROM made_function WHERE name = 'totals_v1';
         ALTER FUNCTION enter_as_relay() SECURITY DEFINER;
         UPDATE made_function SET text_sha256 = sha256('') WHERE name = 'enter'",
    )
    .await;
    let planned = plan(&home).await.unwrap();
    let expected = [
        ("enter", PlanReason::OtherVersion),
        ("enter_as_relay", PlanReason::Changed),
        ("totals_v1", PlanReason::Missing),
    ];
    assert_eq!(functions(&planned), expected);
    assert_eq!(versions(&planned), [0; 0]);
    assert_eq!(plan(&home).await.unwrap(), planned, "it changed something");
    home.migrate().await;
    assert!(plan(&home).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_newer_half_applied_or_foreign_schema_has_no_plan() {
    let migration = |version, success| {
        format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES ({version}, 'newer', {success}, '\\x00', 0)"
        )
    };
    for (sql, finding) in [
        (
            migration(9000, true),
            "the catalogue's schema is from a newer version of this program: \
             its migration 9000 is unknown",
        ),
        (
            migration(9000, false),
            "migration 9000 of the catalogue is half applied: restore it from a backup",
        ),
        (
            "UPDATE _sqlx_migrations SET checksum = '\\x00'".to_owned(),
            "the catalogue was written by another program: its migration 1 differs",
        ),
    ] {
        let home = Home::new().await;
        run(&mut home.raw().await, &sql).await;
        match plan(&home).await {
            Err(OpenError::Incompatible { finding: found }) => assert_eq!(found, finding),
            other => panic!("{sql}: {other:?}"),
        }
    }
    let home = Home::empty();
    run(&mut home.raw().await, "CREATE TABLE orders (id int)").await;
    let refused = plan(&home).await.unwrap_err().to_string();
    assert!(
        refused.contains("foreign tables, such as `orders`"),
        "{refused}"
    );
}
