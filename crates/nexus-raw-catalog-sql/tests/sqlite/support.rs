use std::{
    fs,
    path::{Path, PathBuf},
};

use nexus_raw::asset::BucketName;
use nexus_raw_catalog_sql::{ObjectStoreIdentity, OpenError, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::sample;
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

/// A directory for one catalogue, which is removed after the test.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("catalog.sqlite")
    }

    pub(crate) async fn open(&self) -> SqlAssetCatalog {
        open(&self.file(), sample::bucket()).await.unwrap()
    }

    /// Returns the URL of the catalogue.
    pub(crate) fn url(&self) -> String {
        settings(&self.file(), sample::bucket()).url
    }

    /// Returns why the catalogue does not open.
    pub(crate) async fn refusal(&self) -> String {
        refusal(&self.file()).await
    }

    /// Opens the file directly, as any program could.
    pub(crate) async fn raw(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.file());
        options.create_if_missing(true).connect().await.unwrap()
    }

    /// Changes the file directly, past triggers, foreign keys and checks, which are there again after
    /// it.
    pub(crate) async fn tamper(&self, sql: &str) {
        let mut raw = self.raw().await;
        let triggers = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'";
        let triggers: Vec<(String, String)> =
            sqlx::query_as(triggers).fetch_all(&mut raw).await.unwrap();
        for (name, _) in &triggers {
            run(&mut raw, &format!("DROP TRIGGER {name}")).await;
        }
        let past = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;";
        run(&mut raw, past).await;
        let change = sqlx::AssertSqlSafe(sql.to_owned());
        let done = sqlx::query(change).execute(&mut raw).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql} changed nothing");
        for (_, trigger) in &triggers {
            run(&mut raw, trigger).await;
        }
    }
}

async fn run(raw: &mut SqliteConnection, sql: &str) {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(raw).await.unwrap();
}

/// Copies the files as they would be after a kill of the process now.
pub(crate) fn killed(file: &Path) -> Home {
    let after = Home::new();
    for suffix in ["", "-wal"] {
        let name = format!("catalog.sqlite{suffix}");
        fs::copy(
            file.with_file_name(&name),
            after.file().with_file_name(&name),
        )
        .unwrap();
    }
    after
}

pub(crate) fn settings(file: &Path, bucket: BucketName) -> SqlCatalogSettings {
    SqlCatalogSettings {
        url: format!("sqlite:{}", file.display()),
        max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
        object_store: ObjectStoreIdentity {
            endpoint: None,
            region: "eu-west-1".to_owned(),
            bucket,
        },
    }
}

pub(crate) async fn open(file: &Path, bucket: BucketName) -> Result<SqlAssetCatalog, OpenError> {
    SqlAssetCatalog::open(settings(file, bucket)).await
}

/// Returns the finding about a file that is not a catalogue.
pub(crate) async fn refusal(file: &Path) -> String {
    match open(file, sample::bucket()).await {
        Err(OpenError::Incompatible { finding }) => finding,
        other => panic!("{other:?}"),
    }
}
