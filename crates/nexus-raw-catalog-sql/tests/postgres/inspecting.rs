use nexus_raw_catalog_sql::{CatalogInspector, OpenError};

use crate::{
    shared::inspecting::{
        entries, fill, reads_all_in_order, reads_what_is_written_meanwhile, scopes,
    },
    support::{Home, run},
};

async fn refusal(home: &Home) -> String {
    match CatalogInspector::open(&home.settings().url).await {
        Err(OpenError::Incompatible { finding }) => finding,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn all_scopes_and_entries_are_read_in_order_beside_a_server() {
    let home = Home::new().await;
    let catalog = home.open().await;
    reads_all_in_order(&catalog, &home.settings().url).await;
}

#[tokio::test]
async fn a_page_has_what_was_written_before_it() {
    let home = Home::new().await;
    let catalog = home.open().await;
    reads_what_is_written_meanwhile(&catalog, &home.settings().url).await;
}

/// It needs no right to write, and a server whose transactions are read-only serves it.
#[tokio::test]
async fn a_role_that_may_only_read_inspects() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let filled = fill(&catalog).await;
    let mut admin = home.admin().await;
    let role = format!("{}_reader", home.role());
    let name = home.name();
    let made = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'reader';
         GRANT USAGE ON SCHEMA public TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role};
         ALTER ROLE {role} IN DATABASE {name} SET default_transaction_read_only = on"
    );
    run(&mut admin, &made).await;
    let url = home.settings().url;
    let (_, server) = url.rsplit_once('@').unwrap();
    let url = format!("postgres://{role}:reader@{server}");
    let inspector = CatalogInspector::open(&url).await.unwrap();
    assert_eq!(scopes(&inspector).await.len(), 2);
    for (scope, states) in &filled {
        assert_eq!(entries(&inspector, scope).await.len(), states.len());
    }
}

/// Row-level security does not apply to it, so the condition of each statement has to do.
#[tokio::test]
async fn a_role_that_sees_all_rows_reads_the_scope_alone() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let filled = fill(&catalog).await;
    let admin_url = &home.database().admin_url;
    let inspector = CatalogInspector::open(admin_url).await.unwrap();
    assert_eq!(scopes(&inspector).await.len(), 2);
    for (scope, states) in &filled {
        assert_eq!(entries(&inspector, scope).await.len(), states.len());
    }
}

/// A connection that was lost is opened again for the next page.
#[tokio::test]
async fn a_lost_connection_is_replaced() {
    let home = Home::new().await;
    let catalog = home.open().await;
    let [(scope, states), _] = fill(&catalog).await;
    let inspector = CatalogInspector::open(&home.settings().url).await.unwrap();
    let mut admin = home.admin().await;
    home.end_others(&mut admin).await;
    let lost = inspector.entries(&scope, None, 10).await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(entries(&inspector, &scope).await.len(), states.len());
}

#[tokio::test]
async fn a_schema_of_another_version_is_refused_and_not_changed() {
    let older = "the catalogue's schema is missing, or from an older version of this program: \
                 run `nexus-raw-server migrate`";
    let empty = Home::empty();
    assert_eq!(refusal(&empty).await, older);
    assert_eq!(empty.refusal().await, older);

    let newer = Home::new().await;
    let mut raw = newer.raw().await;
    let sql = "INSERT INTO _sqlx_migrations
        (version, description, success, checksum, execution_time)
        VALUES (9000, 'newer', true, '\\x00', 0)";
    run(&mut raw, sql).await;
    let expected = "the catalogue's schema is from a newer version of this program: \
                    its migration 9000 is unknown";
    assert_eq!(refusal(&newer).await, expected);
}

/// Another policy could hide rows, which would then count as missing.
#[tokio::test]
async fn a_changed_policy_is_refused() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    run(&mut raw, "CREATE POLICY open ON asset USING (true)").await;
    let finding = refusal(&home).await;
    assert!(finding.starts_with("the policy open on asset"), "{finding}");
}

#[tokio::test]
async fn a_backup_is_left_to_the_programs_of_postgresql() {
    let home = Home::new().await;
    let inspector = CatalogInspector::open(&home.settings().url).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backup");
    let refused = inspector.backup(&file).await.unwrap_err();
    assert!(
        refused.to_string().contains("pg_dump --format=custom"),
        "{refused}"
    );
    assert!(!file.exists());
}
