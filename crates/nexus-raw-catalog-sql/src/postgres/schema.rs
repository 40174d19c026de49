use std::collections::BTreeMap;

use sqlx::{
    PgConnection,
    migrate::{MigrateError, Migrator},
};

use super::fault::open_error;
use crate::error::OpenError;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Brings the schema up to date; the migrations that this took.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<Vec<i64>, OpenError> {
    let before = if has_migrations(connection).await? {
        applied(connection).await?
    } else {
        BTreeMap::new()
    };
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(migrate_error)?;
    let known = MIGRATIONS.iter().map(|it| it.version);
    Ok(known.filter(|it| !before.contains_key(it)).collect())
}

/// Makes sure that the schema is one that this program can use, and that its walls stand.
pub(super) async fn check(connection: &mut PgConnection) -> Result<(), OpenError> {
    if !has_migrations(connection).await? {
        return Err(unmigrated());
    }
    let applied = applied(connection).await?;
    for known in MIGRATIONS.iter() {
        match applied.get(&known.version) {
            None => return Err(unmigrated()),
            Some(checksum) if *checksum == *known.checksum => {}
            Some(_) => return Err(migrate_error(MigrateError::VersionMismatch(known.version))),
        }
    }
    let own = MIGRATIONS.iter().map(|it| it.version).max().unwrap_or(0);
    for version in applied.into_keys().filter(|it| *it > own) {
        if !serves(connection, version, own).await? {
            return Err(migrate_error(MigrateError::VersionMissing(version)));
        }
    }
    check_walls(connection).await
}

fn unmigrated() -> OpenError {
    OpenError::unfit(
        "the catalogue's schema is not there, or is of an older version of this program: \
         run `nexus-raw-server migrate`",
    )
}

async fn has_migrations(connection: &mut PgConnection) -> Result<bool, OpenError> {
    sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(connection)
        .await
        .map_err(open_error)
}

/// The checksums of the migrations that were applied.
async fn applied(connection: &mut PgConnection) -> Result<BTreeMap<i64, Vec<u8>>, OpenError> {
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success")
            .fetch_all(connection)
            .await
            .map_err(open_error)?;
    Ok(applied.into_iter().collect())
}

/// Whether a schema of a newer version says that a server of ours may go on.
async fn serves(connection: &mut PgConnection, version: i64, own: i64) -> Result<bool, OpenError> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM schema_version WHERE version = $1 AND serves_from <= $2)",
    )
    .bind(version)
    .bind(own)
    .fetch_one(connection)
    .await
    .map_err(open_error)
}

/// Row-level security is on, also for the tables' owner, wherever there is a tenant.
async fn check_walls(connection: &mut PgConnection) -> Result<(), OpenError> {
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
         WHERE c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
            AND c.relnamespace =
                (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('scope'))
         ORDER BY c.relname",
    )
    .fetch_all(connection)
    .await
    .map_err(open_error)?;
    if open.is_empty() {
        Ok(())
    } else {
        Err(OpenError::unfit(format!(
            "row-level security must be enabled and forced for {}",
            open.join(", ")
        )))
    }
}

fn migrate_error(error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(version) => OpenError::unfit(format!(
            "the catalogue's schema is of a newer version of this program: \
             its migration {version} is not known here"
        )),
        MigrateError::VersionMismatch(version) => OpenError::unfit(format!(
            "the catalogue was written by another program: its migration {version} is not ours"
        )),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            open_error(error)
        }
        other => OpenError::Unreachable(Box::new(other)),
    }
}
