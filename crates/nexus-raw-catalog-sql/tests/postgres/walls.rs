//! Row-level security without the conditions of the functions: it protects tenants from a function
//! with a missing condition.

use std::sync::{Arc, Mutex};

use nexus_raw::{
    asset::Provenance,
    ports::{AssetCatalog, EventQuery, NewParts, PartsOutcome},
};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_testkit::{
    Postgres,
    contract::catalog::OpenCatalog,
    sample,
    steps::{presign, presign_and_register},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    contract::OnServer,
    support::{Home, run},
};

/// Our functions, each with its original definition.
const FUNCTIONS: &str = "
    SELECT pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND prokind = 'f' ORDER BY proname";

/// Removes every condition on the scope from our functions, so that only the policies protect rows,
/// and returns the original functions.
async fn forget_conditions(raw: &mut PgConnection) -> Vec<String> {
    let functions: Vec<String> = sqlx::query_scalar(FUNCTIONS)
        .fetch_all(&mut *raw)
        .await
        .unwrap();
    let mut forgotten = 0;
    for function in &functions {
        let (without, taken) = without_conditions(function);
        forgotten += taken;
        run(raw, &without).await;
    }
    assert_eq!(forgotten, CONDITIONS, "conditions that name a scope");
    functions
}

/// The number of conditions. It fails for a condition in another form, which would not be removed
/// and so not be tested.
const CONDITIONS: usize = 83;

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

/// Returns the offset of the parenthesis that closes the one before `text`.
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

/// A catalogue whose functions have no condition on the scope, once it is open.
#[derive(Default)]
struct WithoutConditions {
    on: OnServer,
    functions: Mutex<Vec<String>>,
}

impl WithoutConditions {
    async fn forget(&self) {
        let functions = forget_conditions(&mut self.on.home().await.raw().await).await;
        *self.functions.lock().unwrap() = functions;
    }
}

#[async_trait::async_trait]
impl nexus_raw_testkit::contract::catalog::CatalogHarness for WithoutConditions {
    async fn open(&self) -> OpenCatalog {
        let open = self.on.open().await;
        self.forget().await;
        open
    }

    async fn reopen(&self, open: OpenCatalog) -> OpenCatalog {
        let mut raw = self.on.home().await.raw().await;
        let functions = std::mem::take(&mut *self.functions.lock().unwrap());
        for function in functions {
            run(&mut raw, &function).await;
        }
        let open = self.on.reopen(open).await;
        self.forget().await;
        open
    }

    fn random_graphs(&self) -> u64 {
        2
    }
}

/// The whole contract holds with the policies only.
mod catalog_by_policies_alone {
    nexus_raw_testkit::catalog_contract!(super::WithoutConditions::default());
}

mod digests_by_policies_alone {
    nexus_raw_testkit::digests_contract!(super::WithoutConditions::default());
}

/// So conditions and policies are both effective: without either, a tenant sees the rows of others.
#[tokio::test]
async fn another_tenant_sees_everything_without_conditions_and_policies() {
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
    run(&mut raw, "ALTER TABLE asset NO FORCE ROW LEVEL SECURITY").await;
    assert!(found().await, "the conditions were not taken out");
}

/// A session without a scope sees no rows. One with a scope sees only its rows, and can neither
/// write nor change others.
#[tokio::test]
async fn each_table_shows_and_accepts_only_the_rows_of_the_scope() {
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
        let in_parts = sample::intent_in_parts(&scope, sample::asset_id(4));
        presign(&*catalog, &in_parts).await;
        let declared = catalog.declare_parts(NewParts {
            scope,
            asset_id: in_parts.asset_id,
            parts: sample::parts(),
        });
        assert_eq!(declared.await.unwrap(), PartsOutcome::Declared);
    }
    let mut raw = home.raw().await;
    let tables = tables_of_tenants(&mut raw).await;
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
    // no fact, grant, digest, cursor or parked event was written
    assert_eq!(with_rows, 9);
    let foreign = "INSERT INTO scope (tenant_id, env) VALUES ('t_c', 'dev')";
    let refused = sqlx::query(foreign).execute(&mut raw).await.unwrap_err();
    let refused = refused.as_database_error().unwrap();
    assert_eq!(refused.code().as_deref(), Some("42501"), "{refused}");
}

async fn tables_of_tenants(raw: &mut PgConnection) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
         WHERE c.relkind = 'r' ORDER BY 1",
    )
    .fetch_all(raw)
    .await
    .unwrap();
    assert_eq!(tables.len(), 16, "{tables:?}");
    tables
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

/// The scope of a call ends with it, so it does not affect the next call on the connection.
#[tokio::test]
async fn no_call_leaves_its_scope_set_on_the_connection() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign_and_register(&catalog, &intent, sample::provenance()).await;
    let mut raw = home.raw().await;
    for call in [
        "SELECT count(*) FROM events_of_v1('t_a', 'dev', $1::uuid, 0, 10)",
        "SELECT count(*) FROM undelivered_v1('log', 10, '[]') WHERE $1::uuid IS NOT NULL",
        "SELECT open_count FROM totals_v1() WHERE $1::uuid IS NOT NULL",
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
async fn a_role_that_bypasses_row_level_security_is_refused() {
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
async fn a_schema_with_row_level_security_disabled_is_refused() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    for table in tables_of_tenants(&mut raw).await {
        for (down, up) in [("NO FORCE", "FORCE"), ("DISABLE", "ENABLE")] {
            run(
                &mut raw,
                &format!("ALTER TABLE {table} {down} ROW LEVEL SECURITY"),
            )
            .await;
            assert_eq!(
                home.refusal().await,
                format!("row-level security must be enabled and forced for {table}")
            );
            run(
                &mut raw,
                &format!("ALTER TABLE {table} {up} ROW LEVEL SECURITY"),
            )
            .await;
        }
    }
    drop(home.open().await);
}

#[tokio::test]
async fn an_unknown_policy_is_refused() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    for table in tables_of_tenants(&mut raw).await {
        for made in [
            "USING (true)",
            "FOR SELECT USING (true)",
            "AS RESTRICTIVE USING (true)",
        ] {
            run(&mut raw, &format!("CREATE POLICY extra ON {table} {made}")).await;
            let finding = home.refusal().await;
            let expected = format!(
                "the policy extra on {table} is not the catalogue's, and may show a tenant the \
                 rows of another: DROP POLICY extra ON {table}"
            );
            assert_eq!(finding, expected);
            apply_remedy(&mut raw, &finding).await;
        }
    }
    drop(home.open().await);
}

/// Any change of our policies is reported, and the reported statement repairs it.
#[tokio::test]
async fn a_changed_policy_is_refused_with_its_original_definition() {
    const SCOPE: &str = "tenant_id = current_setting('nexus_raw.tenant_id', true)
        AND env = current_setting('nexus_raw.env', true)";
    let home = Home::new().await;
    let mut raw = home.raw().await;
    let policies: Vec<(String, String)> =
        sqlx::query_as("SELECT tablename::text, policyname::text FROM pg_policies ORDER BY 1, 2")
            .fetch_all(&mut raw)
            .await
            .unwrap();
    assert_eq!(policies.len(), 20, "{policies:?}");
    for (n, (table, name)) in policies.into_iter().enumerate() {
        let of = format!("POLICY {name} ON {table}");
        let changes = [
            format!("DROP {of}"),
            format!("ALTER {of} USING (true)"),
            format!("ALTER {of} TO {}", home.role()),
            format!("DROP {of}; CREATE {of} AS RESTRICTIVE USING ({SCOPE})"),
            format!("DROP {of}; CREATE {of} FOR UPDATE USING ({SCOPE})"),
            format!("DROP {of}; CREATE {of} USING ({SCOPE}) WITH CHECK (true)"),
            format!("DROP {of}; CREATE {of} USING ({SCOPE} OR tenant_id = '')"),
        ];
        // each change on several tables, and several changes on each table
        for change in [
            &changes[n % changes.len()],
            &changes[(n + 3) % changes.len()],
        ] {
            run(&mut raw, change).await;
            let finding = home.refusal().await;
            let expected = format!(
                "the policy {name} on {table} is not the one that `nexus-raw-server migrate` \
                 makes: DROP POLICY IF EXISTS {name} ON {table}; CREATE {of} AS PERMISSIVE FOR "
            );
            assert!(finding.starts_with(&expected), "{change}: {finding}");
            apply_remedy(&mut raw, &finding).await;
        }
    }
    drop(home.open().await);
}

/// Runs the statement after the first colon of a finding.
async fn apply_remedy(raw: &mut PgConnection, finding: &str) {
    run(raw, finding.split_once(": ").unwrap().1).await;
}

/// A session without a scope would see the rows of the preset.
#[tokio::test]
async fn a_preset_of_a_session_variable_is_refused_at_every_level() {
    let server = Postgres::start();
    let home = Home::on(&server).await;
    let mut admin = home.admin().await;
    let (role, database) = (home.role(), home.name());
    for name in ["nexus_raw.relay", "nexus_raw.tenant_id", "Nexus_Raw.Env"] {
        let expected = format!(
            "{} must not be preset, since it selects the visible rows: remove it from the role's, \
             the database's and the server's settings (ALTER ROLE … RESET, ALTER DATABASE … RESET, \
             ALTER SYSTEM RESET)",
            name.to_lowercase()
        );
        for of in [
            format!("ROLE {role}"),
            format!("ROLE {role} IN DATABASE {database}"),
            format!("ROLE ALL IN DATABASE {database}"),
            format!("DATABASE {database}"),
            "ROLE ALL".to_owned(),
        ] {
            run(&mut admin, &format!("ALTER {of} SET {name} = 'on'")).await;
            assert_eq!(home.refusal().await, expected, "{of}");
            run(&mut admin, &format!("ALTER {of} RESET {name}")).await;
        }
        drop(home.open().await);
    }
    // the server accepts one that its own session knows
    run(&mut admin, "SET nexus_raw.relay = 'on'").await;
    for statement in [
        "ALTER SYSTEM SET nexus_raw.relay = 'on'",
        "SELECT pg_reload_conf()",
    ] {
        run(&mut admin, statement).await;
    }
    // it does so with a delay
    while let Ok(catalog) = SqlAssetCatalog::open(home.settings()).await {
        catalog.close().await;
    }
    let finding = home.refusal().await;
    assert!(
        finding.starts_with("nexus_raw.relay must not be preset"),
        "{finding}"
    );
}

/// A pooler may hand out a session that was set up as the relay's. A caller's function still reads
/// only rows of the scope.
#[tokio::test]
async fn a_session_set_up_as_the_relays_shows_a_caller_nothing_more() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    presign_and_register(&catalog, &intent, Provenance::default()).await;
    let mut raw = home.raw().await;
    forget_conditions(&mut raw).await;
    run(&mut raw, "SET nexus_raw.relay = 'on'").await;
    for (reader, seen) in [("t_a", 2), ("t_b", 0)] {
        let events: i64 =
            sqlx::query_scalar("SELECT count(*) FROM events_after_v1($1, 'dev', 0, 10)")
                .bind(reader)
                .fetch_one(&mut raw)
                .await
                .unwrap();
        assert_eq!(events, seen, "{reader}");
    }
}

/// If a role gains an attribute, or row-level security is disabled, while a server runs, the server
/// must stop using it: each new connection is checked.
#[tokio::test]
async fn a_later_bypass_of_row_level_security_is_found_at_the_next_connection() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let mut admin = home.admin().await;
    let role = home.role();
    for (n, (opens, closes)) in [
        (
            format!("ALTER ROLE {role} BYPASSRLS"),
            format!("ALTER ROLE {role} NOBYPASSRLS"),
        ),
        (
            format!("ALTER ROLE {role} SET nexus_raw.relay = 'on'"),
            format!("ALTER ROLE {role} RESET nexus_raw.relay"),
        ),
        (
            "CREATE POLICY extra ON event USING (true)".to_owned(),
            "DROP POLICY extra ON event".to_owned(),
        ),
        (
            "ALTER TABLE asset NO FORCE ROW LEVEL SECURITY".to_owned(),
            "ALTER TABLE asset FORCE ROW LEVEL SECURITY".to_owned(),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        run(&mut admin, &opens).await;
        home.end_others(&mut admin).await;
        let id = sample::asset_id(n.try_into().unwrap());
        let intent = sample::intent(&sample::scope("t_a", "dev"), id);
        let event = sample::presigned(&intent);
        let (written, ready) = tokio::join!(
            catalog.record_intent(intent.clone(), event.clone()),
            catalog.ready()
        );
        assert!(written.is_err(), "{opens}");
        assert!(ready.is_err(), "{opens}");
        run(&mut admin, &closes).await;
        catalog.record_intent(intent, event).await.unwrap();
        catalog.ready().await.unwrap();
    }
    drop(admin.close().await);
}

/// A table or function of the same name earlier in the search path is not used.
#[tokio::test]
async fn names_in_functions_do_not_depend_on_the_search_path() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    run(
        &mut raw,
        "CREATE SCHEMA elsewhere;
         CREATE TABLE elsewhere.event AS SELECT * FROM event;
         CREATE FUNCTION elsewhere.set_config(text, text, boolean) RETURNS text LANGUAGE sql
             AS 'SELECT $2'",
    )
    .await;
    run(
        &mut raw,
        &format!(
            "ALTER ROLE {} SET search_path = elsewhere, public, pg_catalog",
            home.role()
        ),
    )
    .await;
    let catalog = home.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    presign_and_register(&catalog, &intent, Provenance::default()).await;
    assert_eq!(
        catalog
            .events(&scope, &EventQuery::first(10))
            .await
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_changed_function_is_refused() {
    let home = Home::new().await;
    let (mut raw, mut admin) = (home.raw().await, home.admin().await);
    let functions: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT proname::text, oid::regprocedure::text, pg_get_functiondef(oid) FROM pg_proc
         WHERE pronamespace = current_schema()::regnamespace ORDER BY 1",
    )
    .fetch_all(&mut raw)
    .await
    .unwrap();
    assert!(functions.len() >= 24, "{functions:?}");
    for (n, (name, signature, made)) in functions.iter().enumerate() {
        let parameters = &signature[name.len()..];
        let function = format!("ALTER FUNCTION {signature}");
        // each change on several functions
        let (change, back) = match n % 6 {
            0 => (format!("{function} RESET search_path"), made),
            1 => (format!("{function} SET search_path = public"), made),
            2 => (format!("{function} SET nexus_raw.relay = 'on'"), made),
            3 => (format!("{function} SECURITY DEFINER"), made),
            4 => (made.replacen("BEGIN", "BEGIN -- changed", 1), made),
            _ => (
                format!("{function} RENAME TO gone"),
                &format!("ALTER FUNCTION gone{parameters} RENAME TO {name}"),
            ),
        };
        run(&mut admin, &change).await;
        assert_eq!(
            home.refusal().await,
            format!(
                "the functions {name} are not as `nexus-raw-server migrate` creates them, with \
                 their body, SECURITY INVOKER and no setting but their search_path: drop overloads, \
                 and run it again"
            ),
            "{change}"
        );
        run(&mut admin, back).await;
    }
    drop(home.open().await);
    run(
        &mut raw,
        "CREATE FUNCTION write_v1(group_of json, again integer) RETURNS json LANGUAGE sql
             AS 'SELECT group_of'",
    )
    .await;
    assert!(
        home.refusal()
            .await
            .starts_with("the functions write_v1 are not")
    );
}

/// The catalogue calls the functions that the tests change.
#[tokio::test]
async fn a_catalogue_calls_the_functions_that_the_tests_change() {
    let home = Home::new().await;
    let catalog: SqlAssetCatalog = home.open().await;
    let gone = "ALTER FUNCTION write_v1(json, boolean) RENAME TO gone";
    run(&mut home.raw().await, gone).await;
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    let event = sample::presigned(&intent);
    assert!(catalog.record_intent(intent, event).await.is_err());
}
