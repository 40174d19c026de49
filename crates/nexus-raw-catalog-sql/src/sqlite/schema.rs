use std::path::Path;

use sqlx::{
    Connection, SqliteConnection,
    migrate::{MigrateError, Migrator},
};

use super::fault::{is_plain, open_error};
use crate::error::OpenError;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// `NXRW`, which the first migration writes to the file's header.
const APPLICATION_ID: i64 = 0x4E58_5257;

/// Refuses a file that is neither a catalogue nor empty, before anything is written to it.
pub(super) async fn recognise(
    connection: &mut SqliteConnection,
    file: &Path,
) -> Result<(), OpenError> {
    let application_id: i64 = scalar(connection, "PRAGMA application_id").await?;
    // a crash just before the first migration leaves the table of migrations, empty
    let is_empty = "SELECT count(*) = 0 FROM sqlite_schema \
                    WHERE name NOT IN ('_sqlx_migrations', 'sqlite_autoindex__sqlx_migrations_1')";
    let is_empty: bool = scalar(connection, is_empty).await?;
    let is_prerelease = "SELECT count(*) > 0 FROM pragma_table_info('event') \
                        WHERE name = 'commitment'";
    if scalar(connection, is_prerelease).await? {
        return Err(OpenError::incompatible(format!(
            "the catalogue {} is from a version before the first release, whose events have another \
             format, and cannot be migrated: use a new one",
            file.display()
        )));
    }
    if application_id == APPLICATION_ID || (application_id == 0 && is_empty) {
        Ok(())
    } else {
        Err(OpenError::incompatible(format!(
            "{} is not a catalogue but another program's database",
            file.display()
        )))
    }
}

/// Migrates the schema, checks that the result is exactly the expected one, and returns the applied
/// migrations.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<Vec<i64>, OpenError> {
    let before = applied(connection).await?;
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(migrate_error)?;
    if describe(connection).await? == expected().await? {
        let known = MIGRATIONS.iter().map(|it| it.version);
        Ok(known.filter(|it| !before.contains(it)).collect())
    } else {
        Err(OpenError::incompatible(
            "the catalogue's schema differs from that of its migrations: \
             restore it from a backup",
        ))
    }
}

async fn applied(connection: &mut SqliteConnection) -> Result<Vec<i64>, OpenError> {
    let applied = sqlx::query_scalar("SELECT version FROM _sqlx_migrations")
        .fetch_all(connection)
        .await;
    match applied {
        // the table does not exist yet
        Err(error) if is_plain(&error) => Ok(Vec::new()),
        applied => applied.map_err(open_error),
    }
}

/// Returns the schema that the migrations create.
async fn expected() -> Result<Vec<String>, OpenError> {
    let connection = SqliteConnection::connect("sqlite::memory:").await;
    let mut connection = connection.map_err(open_error)?;
    MIGRATIONS
        .run_direct(None, &mut connection, false)
        .await
        .map_err(migrate_error)?;
    describe(&mut connection).await
}

async fn describe(connection: &mut SqliteConnection) -> Result<Vec<String>, OpenError> {
    // names with `sqlite_` are SQLite's own, such as the statistics of ANALYZE
    sqlx::query_scalar(
        r"SELECT concat_ws(' ', type, name, tbl_name, sql) FROM sqlite_schema
          WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type, name",
    )
    .fetch_all(connection)
    .await
    .map_err(open_error)
}

async fn scalar<T>(connection: &mut SqliteConnection, sql: &'static str) -> Result<T, OpenError>
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    sqlx::query_scalar(sql)
        .fetch_one(connection)
        .await
        .map_err(open_error)
}

fn migrate_error(error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(version) => OpenError::incompatible(format!(
            "the catalogue was written by a newer version of this program: \
             its migration {version} is unknown"
        )),
        MigrateError::VersionMismatch(version) => OpenError::incompatible(format!(
            "the catalogue was written by another program: its migration {version} differs"
        )),
        MigrateError::Dirty(version) => half_applied(version),
        // a table of the migration exists already
        MigrateError::ExecuteMigration(error, version) if is_plain(&error) => half_applied(version),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            open_error(error)
        }
        other => OpenError::Unreachable(Box::new(other)),
    }
}

fn half_applied(version: i64) -> OpenError {
    OpenError::incompatible(format!(
        "migration {version} of the catalogue is half applied: restore it from a backup"
    ))
}
