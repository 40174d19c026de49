use std::collections::BTreeMap;

use sqlx::{PgConnection, migrate::MigrateError};

use super::{
    fault::open_error,
    made::{FUNCTIONS, MIGRATIONS},
};
use crate::error::OpenError;

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

/// Makes sure that the schema is one that this program can use.
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
    check_functions(connection).await
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

/// Each of our functions is the one that its migration made: with that body, with the right of who
/// calls it, and with a search path of its own, so that what its names mean is not the session's to
/// say.
async fn check_functions(connection: &mut PgConnection) -> Result<(), OpenError> {
    let found: Vec<Function> = sqlx::query_as(FOUND_FUNCTIONS)
        .fetch_all(connection)
        .await
        .map_err(open_error)?;
    let mut other = Vec::new();
    for (name, body) in FUNCTIONS.iter() {
        let mut named = found.iter().filter(|function| function.name == *name);
        let is_ours =
            |function: &Function| function.body == *body && function.is_plain && function.is_pinned;
        if !named.next().is_some_and(is_ours) || named.next().is_some() {
            other.push(*name);
        }
    }
    if other.is_empty() {
        Ok(())
    } else {
        Err(OpenError::unfit(format!(
            "the functions {} are not as `nexus-raw-server migrate` makes them, with their body, \
             SECURITY INVOKER and a search_path of their own alone: restore them from a backup",
            other.join(", ")
        )))
    }
}

/// The path is that of the migration: the schema in which all of it is, and then what is temporary.
const FOUND_FUNCTIONS: &str = "
    SELECT p.proname::text AS name, p.prosrc AS body, NOT p.prosecdef AS is_plain,
        coalesce(p.proconfig = ARRAY[format('search_path=%I, pg_temp', n.nspname)], false)
            AS is_pinned
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.oid = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('scope'))";

#[derive(sqlx::FromRow)]
struct Function {
    name: String,
    body: String,
    is_plain: bool,
    is_pinned: bool,
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
