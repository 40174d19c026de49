//! Row-level security, on its own: without it a condition that somebody forgets shows all tenants.

use std::sync::Arc;

use nexus_raw::{asset::Provenance, ports::AssetCatalog};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_testkit::{contract::catalog::OpenCatalog, sample, steps::presign_and_register};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{contract::OnServer, support::Home};

/// Our functions, each as it was made.
const FUNCTIONS: &str = "
    SELECT pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND prokind = 'f' ORDER BY proname";

/// Takes every condition on the scope out of our functions, so that the policies stand alone.
pub(crate) async fn forget_conditions(raw: &mut PgConnection) {
    let functions: Vec<String> = sqlx::query_scalar(FUNCTIONS)
        .fetch_all(&mut *raw)
        .await
        .unwrap();
    let mut forgotten = 0;
    for function in functions {
        let (without, taken) = without_conditions(&function);
        forgotten += taken;
        sqlx::raw_sql(AssertSqlSafe(without))
            .execute(&mut *raw)
            .await
            .unwrap();
    }
    assert_eq!(forgotten, CONDITIONS, "conditions that name a scope");
}

/// How many there are. One that is written in another form would not be taken out, and so not be
/// tried: then this number tells.
const CONDITIONS: usize = 24;

/// `(x.tenant_id, x.env) = (...)` becomes `true`.
fn without_conditions(function: &str) -> (String, usize) {
    const EQUALS: &str = ".env) = (";
    let mut out = String::new();
    let mut rest = function;
    let mut taken = 0;
    while let Some(at) = rest.find(EQUALS) {
        let start = rest[..at].rfind('(').unwrap();
        let value = &rest[at + EQUALS.len()..];
        out += &rest[..start];
        out += "true";
        rest = &value[matching(value) + 1..];
        taken += 1;
    }
    (out + rest, taken)
}

/// Where the parenthesis closes that was open before `text`.
fn matching(text: &str) -> usize {
    let mut open = 1;
    let close = text.find(|character| {
        match character {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        open == 0
    });
    close.unwrap()
}

/// A catalogue whose functions have no condition on the scope.
#[derive(Default)]
struct WithoutConditions(OnServer);

#[async_trait::async_trait]
impl nexus_raw_testkit::contract::catalog::CatalogHarness for WithoutConditions {
    async fn open(&self) -> OpenCatalog {
        forget_conditions(&mut self.0.home().await.raw().await).await;
        self.0.open().await
    }

    async fn reopen(&self, open: OpenCatalog) -> OpenCatalog {
        self.0.reopen(open).await
    }
}

/// The whole contract holds by the policies alone.
mod catalog_by_policies_alone {
    nexus_raw_testkit::catalog_contract!(super::WithoutConditions::default());
}

mod digests_by_policies_alone {
    nexus_raw_testkit::digests_contract!(super::WithoutConditions::default());
}

/// Of the two walls each is seen to be one: with neither, a stranger sees what is another's.
#[tokio::test]
async fn without_conditions_and_policies_a_stranger_sees_everything() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    presign_and_register(&catalog, &intent, Provenance::default()).await;
    let stranger = sample::scope("t_b", "dev");
    let found = async || {
        catalog
            .find_asset(&stranger, intent.asset_id)
            .await
            .unwrap()
            .is_some()
    };
    let mut raw = home.raw().await;
    forget_conditions(&mut raw).await;
    assert!(!found().await, "the policies are no wall");
    sqlx::raw_sql("ALTER TABLE asset NO FORCE ROW LEVEL SECURITY")
        .execute(&mut raw)
        .await
        .unwrap();
    assert!(found().await, "the conditions were not taken out");
}

/// Whoever has not said whose rows it is about sees none; who has, sees these and no others, and
/// can neither write nor change others.
#[tokio::test]
async fn each_table_shows_a_scope_its_own_rows_and_takes_no_others() {
    let home = Home::new().await;
    let catalog = Arc::new(home.open().await);
    for tenant in ["t_a", "t_b"] {
        let scope = sample::scope(tenant, "dev");
        let [parent, child, keyed] = [1, 2, 3].map(|n| sample::intent(&scope, sample::asset_id(n)));
        presign_and_register(&*catalog, &parent, sample::provenance()).await;
        let lineage = sample::derived_from(&[parent.asset_id]);
        presign_and_register(&*catalog, &child, lineage).await;
        let key = sample::key(&scope, "k");
        let new = sample::keyed(&key, &keyed);
        catalog.record_keyed_intent(new).await.unwrap();
    }
    let mut raw = home.raw().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
         WHERE c.relkind = 'r' ORDER BY 1",
    )
    .fetch_all(&mut raw)
    .await
    .unwrap();
    assert_eq!(tables.len(), 10, "{tables:?}");
    let mut with_rows = 0;
    for table in &tables {
        assert_eq!(tenants(&mut raw, table, "").await, [""; 0], "{table}");
        let own = tenants(&mut raw, table, "t_b").await;
        assert!(own.iter().all(|tenant| tenant == "t_b"), "{table}: {own:?}");
        with_rows += usize::from(!own.is_empty());
        let moved = sqlx::raw_sql(AssertSqlSafe(format!(
            "UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = 't_a'"
        )))
        .execute(&mut raw)
        .await
        .unwrap();
        assert_eq!(moved.rows_affected(), 0, "{table}");
    }
    // no digest, cursor or parked event was written
    assert_eq!(with_rows, 7);
    let foreign = "INSERT INTO scope (tenant_id, env) VALUES ('t_c', 'dev')";
    let refused = sqlx::query(foreign).execute(&mut raw).await.unwrap_err();
    let refused = refused.as_database_error().unwrap();
    assert_eq!(refused.code().as_deref(), Some("42501"), "{refused}");
}

async fn tenants(raw: &mut PgConnection, table: &str, tenant: &str) -> Vec<String> {
    let scope = "SELECT set_config('nexus_raw.tenant_id', $1, false),
        set_config('nexus_raw.env', 'dev', false)";
    sqlx::query(scope)
        .bind(tenant)
        .execute(&mut *raw)
        .await
        .unwrap();
    let all = AssertSqlSafe(format!("SELECT DISTINCT tenant_id FROM {table}"));
    sqlx::query_scalar(all).fetch_all(raw).await.unwrap()
}

/// What a call says of its tenant ends with it, whatever comes over the same connection next.
#[tokio::test]
async fn no_call_leaves_its_scope_behind_on_the_connection() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign_and_register(&catalog, &intent, sample::provenance()).await;
    let mut raw = home.raw().await;
    for call in [
        "SELECT count(*) FROM events_of_v1('t_a', 'dev', $1::uuid)",
        "SELECT count(*) FROM undelivered_v1('log', 10, '[]') WHERE $1::uuid IS NOT NULL",
        "SELECT open_count FROM (SELECT (open_intents_v1()).\"scope.open_count\" AS open_count) c
            WHERE $1::uuid IS NOT NULL",
    ] {
        let _answer: i64 = sqlx::query_scalar(call)
            .bind(intent.asset_id.to_string())
            .fetch_one(&mut raw)
            .await
            .unwrap();
        for table in ["event", "scope", "asset"] {
            let seen: i64 =
                sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
                    .fetch_one(&mut raw)
                    .await
                    .unwrap();
            assert_eq!(seen, 0, "{table} after {call}");
        }
    }
}

#[tokio::test]
async fn a_role_to_whom_the_walls_do_not_apply_is_refused() {
    let home = Home::new().await;
    let mut admin = home.admin().await;
    for (right, gone) in [("SUPERUSER", "NOSUPERUSER"), ("BYPASSRLS", "NOBYPASSRLS")] {
        home.alter_role(&mut admin, right).await;
        let finding = home.refusal().await;
        assert!(finding.contains("superuser or has BYPASSRLS"), "{finding}");
        home.alter_role(&mut admin, gone).await;
        drop(home.open().await);
    }
}

#[tokio::test]
async fn a_schema_with_a_wall_taken_down_is_refused() {
    for down in ["NO FORCE", "DISABLE"] {
        let home = Home::new().await;
        let sql = format!("ALTER TABLE lineage_edge {down} ROW LEVEL SECURITY");
        let mut raw = home.raw().await;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut raw)
            .await
            .unwrap();
        assert_eq!(
            home.refusal().await,
            "row-level security must be enabled and forced for lineage_edge"
        );
    }
}

/// A server that goes on while a role gains a right must not write with it: the next connection
/// is looked at.
#[tokio::test]
async fn a_right_that_a_role_gains_later_is_noticed_at_the_next_connection() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let mut admin = home.admin().await;
    home.alter_role(&mut admin, "BYPASSRLS").await;
    home.end_others(&mut admin).await;
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    let event = sample::presigned(&intent);
    assert!(
        catalog
            .record_intent(intent.clone(), event.clone())
            .await
            .is_err()
    );
    assert!(catalog.ready().await.is_err());
    home.alter_role(&mut admin, "NOBYPASSRLS").await;
    catalog.record_intent(intent, event).await.unwrap();
    catalog.ready().await.unwrap();
    drop(admin.close().await);
}

/// The functions that the tests change are those that the catalogue calls.
#[tokio::test]
async fn a_catalogue_calls_the_functions_that_the_tests_change() {
    let home = Home::new().await;
    let catalog: SqlAssetCatalog = home.open().await;
    sqlx::raw_sql("ALTER FUNCTION write_v1(json, boolean) RENAME TO gone")
        .execute(&mut home.raw().await)
        .await
        .unwrap();
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    let event = sample::presigned(&intent);
    assert!(catalog.record_intent(intent, event).await.is_err());
}
