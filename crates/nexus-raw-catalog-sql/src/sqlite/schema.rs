use std::{collections::BTreeMap, path::Path};

use rusqlite::params;
use sqlx::migrate::{Migration, Migrator};

use super::{
    connection::SqliteConnection,
    fault::{is_plain, open_error},
};
use crate::{error::OpenError, migration_plan::PlannedMigration};

/// The SQL of the migrations and their checksums, as for PostgreSQL.
static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The table of applied migrations, in the words of sqlx, whose command line can read it.
const APPLIED: &str = "
CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);";

/// `NXRW`, which the first migration writes to the file's header.
const APPLICATION_ID: i64 = 0x4E58_5257;

/// Refuses a file that is neither a catalogue nor empty, before anything is written to it.
pub(super) fn recognise(connection: &mut SqliteConnection, file: &Path) -> Result<(), OpenError> {
    let application_id = number(
        connection,
        "SELECT application_id AS number FROM pragma_application_id",
    )?;
    // a crash just before the first migration leaves the table of migrations, empty
    let tables = "SELECT count(*) AS number FROM sqlite_schema \
                  WHERE name NOT IN ('_sqlx_migrations', 'sqlite_autoindex__sqlx_migrations_1')";
    let is_empty = number(connection, tables)? == 0;
    let prerelease = "SELECT count(*) AS number FROM pragma_table_info('event') \
                      WHERE name = 'commitment'";
    if number(connection, prerelease)? > 0 {
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

/// Checks, without writing, that the schema is that of this program.
pub(super) fn check(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    if pending(connection)?.is_empty() {
        compare(connection)
    } else {
        Err(OpenError::incompatible(
            "the catalogue's schema is missing, or from an older version of this program: \
             run `nexus-raw-server migrate`",
        ))
    }
}

/// Migrates the schema, checks that the result is exactly the expected one, and returns the applied
/// migrations.
pub(super) fn migrate(connection: &mut SqliteConnection) -> Result<Vec<i64>, OpenError> {
    let new = apply_missing(connection)?;
    compare(connection)?;
    Ok(new)
}

/// Compares a migrated schema with that of the migrations.
fn compare(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let mut expected = SqliteConnection::in_memory().map_err(open_error)?;
    apply_missing(&mut expected)?;
    if describe(connection)? == describe(&mut expected)? {
        Ok(())
    } else {
        Err(OpenError::incompatible(
            "the catalogue's schema differs from that of its migrations: \
             restore it from a backup",
        ))
    }
}

/// Applies the migrations that are missing, each in a transaction, and returns their numbers.
fn apply_missing(connection: &mut SqliteConnection) -> Result<Vec<i64>, OpenError> {
    connection.batch(APPLIED).map_err(open_error)?;
    let mut new = Vec::new();
    for migration in pending(connection)? {
        apply(connection, migration)?;
        new.push(migration.version);
    }
    Ok(new)
}

/// Returns what a migration would apply. A schema that is up to date must be that of its migrations.
pub(super) fn plan(connection: &mut SqliteConnection) -> Result<Vec<PlannedMigration>, OpenError> {
    let pending = pending(connection)?;
    if pending.is_empty() {
        compare(connection)?;
    }
    let planned = pending.into_iter().map(|it| PlannedMigration {
        version: it.version,
        description: it.description.to_string(),
    });
    Ok(planned.collect())
}

/// Returns the migrations that are missing.
fn pending(connection: &mut SqliteConnection) -> Result<Vec<&'static Migration>, OpenError> {
    let applied = applied(connection)?;
    let known: Vec<_> = MIGRATIONS.iter().map(|it| it.version).collect();
    if let Some(unknown) = applied.keys().find(|it| !known.contains(it)) {
        return Err(OpenError::incompatible(format!(
            "the catalogue was written by a newer version of this program: \
             its migration {unknown} is unknown"
        )));
    }
    let mut new = Vec::new();
    for migration in MIGRATIONS.iter() {
        let version = migration.version;
        match applied.get(&version) {
            None => new.push(migration),
            Some(checksum) if **checksum == *migration.checksum => {}
            Some(_) => {
                return Err(OpenError::incompatible(format!(
                    "the catalogue was written by another program: its migration {version} differs"
                )));
            }
        }
    }
    Ok(new)
}

/// Returns the applied migrations, each with its checksum.
fn applied(connection: &mut SqliteConnection) -> Result<BTreeMap<i64, Vec<u8>>, OpenError> {
    let noted = "SELECT count(*) AS number FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    if number(connection, noted)? == 0 {
        return Ok(BTreeMap::new());
    }
    let rows = "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version";
    let rows = connection.rows(rows, [], |row| {
        let checksum: Vec<u8> = row.get("it.checksum")?;
        let version: i64 = row.get("it.version")?;
        Ok((version, checksum, row.get::<i64>("it.success")? == 1))
    });
    let mut applied = BTreeMap::new();
    for (version, checksum, is_whole) in rows.map_err(open_error)? {
        if !is_whole {
            return Err(half_applied(version));
        }
        applied.insert(version, checksum);
    }
    Ok(applied)
}

fn apply(connection: &mut SqliteConnection, migration: &Migration) -> Result<(), OpenError> {
    const DONE: &str = "
        INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (?1, ?2, TRUE, ?3, 0)";
    let mut run = || {
        connection.batch("BEGIN IMMEDIATE")?;
        connection.batch(migration.sql.as_str())?;
        let done = params![migration.version, migration.description, migration.checksum];
        connection.execute(DONE, done)?;
        connection.batch("COMMIT")
    };
    run().map_err(|error| {
        if is_plain(&error) {
            // a table of the migration exists already
            half_applied(migration.version)
        } else {
            open_error(error)
        }
    })
}

fn describe(connection: &mut SqliteConnection) -> Result<Vec<String>, OpenError> {
    // names with `sqlite_` are SQLite's own, such as the statistics of ANALYZE
    let rows = connection.rows(
        r"SELECT concat_ws(' ', type, name, tbl_name, sql) AS text FROM sqlite_schema
          WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type, name",
        [],
        |row| row.get("it.text"),
    );
    rows.map_err(open_error)
}

fn number(connection: &mut SqliteConnection, sql: &'static str) -> Result<i64, OpenError> {
    let number = connection.only(sql, [], |row| row.get("it.number"));
    number.map_err(open_error)
}

fn half_applied(version: i64) -> OpenError {
    OpenError::incompatible(format!(
        "migration {version} of the catalogue is half applied: restore it from a backup"
    ))
}
