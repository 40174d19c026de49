use std::net::SocketAddr;

use nexus_raw_catalog_sql::{ObjectStoreIdentity, OpenError, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::{Database, DatabaseTemplate, Postgres, sample};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

/// A database for one catalogue, with its own role.
pub(crate) struct Home(Database);

impl Home {
    /// Creates an empty database.
    pub(crate) fn empty() -> Self {
        Self(Postgres::shared().database())
    }

    /// Creates an empty database of `server`.
    pub(crate) async fn on(server: &Postgres) -> Self {
        let home = Self(server.database());
        home.migrate().await;
        home
    }

    /// Creates a database with the schema, as a copy of a migrated one.
    pub(crate) async fn new() -> Self {
        static MIGRATED: OnceCell<DatabaseTemplate> = OnceCell::const_new();
        let server = Postgres::shared();
        let migrated = MIGRATED.get_or_init(|| async {
            let first = Self::empty();
            first.migrate().await;
            server.template(first.0)
        });
        Self(server.copy(migrated.await))
    }

    /// Makes the database a template for copies.
    pub(crate) fn into_template(self) -> DatabaseTemplate {
        Postgres::shared().template(self.0)
    }

    /// Creates a database as a copy of a template.
    pub(crate) fn copy_of(template: &DatabaseTemplate) -> Self {
        Self(Postgres::shared().copy(template))
    }

    /// Creates or updates the schema, and returns the applied migrations.
    pub(crate) async fn migrate(&self) -> Vec<i64> {
        SqlAssetCatalog::migrate(self.settings()).await.unwrap()
    }

    pub(crate) async fn open(&self) -> SqlAssetCatalog {
        SqlAssetCatalog::open(self.settings()).await.unwrap()
    }

    pub(crate) fn settings(&self) -> SqlCatalogSettings {
        settings(&self.0.url)
    }

    /// Returns the role that owns it.
    pub(crate) fn role(&self) -> &str {
        &self.0.role
    }

    /// Returns the name of the database.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the address of its server.
    pub(crate) fn address(&self) -> SocketAddr {
        let (_, rest) = self.0.url.rsplit_once('@').unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    }

    /// Opens the catalogue at another address of its server.
    pub(crate) async fn open_at(&self, address: SocketAddr) -> SqlAssetCatalog {
        SqlAssetCatalog::open(self.settings_at(address))
            .await
            .unwrap()
    }

    /// Returns the settings for another address of its server.
    pub(crate) fn settings_at(&self, address: SocketAddr) -> SqlCatalogSettings {
        let by = self
            .0
            .url
            .replace(&self.address().to_string(), &address.to_string());
        settings(&by)
    }

    /// Returns the database itself.
    pub(crate) fn database(&self) -> &Database {
        &self.0
    }

    /// Returns why the catalogue does not open.
    pub(crate) async fn refusal(&self) -> String {
        match SqlAssetCatalog::open(self.settings()).await {
            Err(OpenError::Incompatible { finding }) => finding,
            other => panic!("{other:?}"),
        }
    }

    /// Returns a direct connection of the role that owns it.
    pub(crate) async fn raw(&self) -> PgConnection {
        PgConnection::connect(&self.0.url).await.unwrap()
    }

    /// Returns a connection of the superuser.
    pub(crate) async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.0.admin_url).await.unwrap()
    }

    /// Grants an attribute to the catalogue's role, or revokes it.
    pub(crate) async fn alter_role(&self, admin: &mut PgConnection, how: &str) {
        run(admin, &format!("ALTER ROLE {} {how}", self.0.role)).await;
    }

    /// Ends every connection of the catalogue's role.
    pub(crate) async fn end_others(&self, admin: &mut PgConnection) {
        sqlx::query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = $1 AND usename = $2",
        )
        .bind(&self.0.name)
        .bind(&self.0.role)
        .execute(admin)
        .await
        .unwrap();
    }
}

/// Runs one or more statements.
pub(crate) async fn run(raw: &mut PgConnection, sql: &str) {
    let ran = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(raw)
        .await;
    assert!(ran.is_ok(), "{sql}: {ran:?}");
}

fn settings(url: &str) -> SqlCatalogSettings {
    SqlCatalogSettings {
        url: url.to_owned(),
        max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
        object_store: ObjectStoreIdentity {
            endpoint: None,
            region: "eu-west-1".to_owned(),
            bucket: sample::bucket(),
        },
    }
}
