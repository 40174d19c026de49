use std::collections::BTreeMap;

use sqlx::{
    FromRow, PgConnection, Row,
    migrate::{Migrate, MigrateError},
};

use super::{
    fault::{is_rule_broken, open_error},
    functions::{self, FunctionState},
    made::MIGRATIONS,
    statement::read,
};
use crate::error::OpenError;

/// Refuses the tables of a version before the first release.
async fn not_of_before(connection: &mut PgConnection) -> Result<(), OpenError> {
    let is_of_before = "EXISTS (SELECT FROM pg_attribute \
        WHERE attrelid = to_regclass('event') AND attname = 'commitment' AND NOT attisdropped)";
    if holds(connection, is_of_before).await? {
        return Err(OpenError::unfit(
            "the catalogue is of a version before the first release, which keeps events in \
             another form, and is not brought over: give this program a new database or schema",
        ));
    }
    Ok(())
}

/// Brings the schema up to date, tables and then functions; the migrations that this took.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<Vec<i64>, OpenError> {
    // until the connection is closed: one at a time makes both
    connection.lock().await.map_err(migrate_error)?;
    not_of_before(connection).await?;
    let before = if has_migrations(connection).await? {
        applied(connection).await?
    } else {
        // another one beside it would be empty
        not_elsewhere(connection).await?;
        BTreeMap::new()
    };
    recognise(connection).await?;
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(migrate_error)?;
    functions::make(connection).await?;
    check_functions(connection, false).await?;
    let known = MIGRATIONS.iter().map(|it| it.version);
    Ok(known.filter(|it| !before.contains_key(it)).collect())
}

/// Refuses a schema that holds something else's tables, before anything is written to it: names of
/// ours could be taken there, and a schema is dropped, dumped and granted as a whole. What an
/// extension brought along is nobody's data.
async fn recognise(connection: &mut PgConnection) -> Result<(), OpenError> {
    let (schema, foreign): (Option<String>, Vec<String>) = sqlx::query_as(
        "SELECT current_schema()::text, coalesce(array_agg(c.relname::text ORDER BY c.relname)
            FILTER (WHERE c.relname IS NOT NULL), '{}')
         FROM (VALUES (1)) one
         LEFT JOIN pg_class c ON c.relnamespace = quote_ident(current_schema())::regnamespace
            AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            AND to_regclass('upload_intent') IS NULL
            AND NOT EXISTS (SELECT FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')",
    )
    .fetch_one(connection)
    .await
    .map_err(open_error)?;
    let Some(schema) = schema else {
        return Err(OpenError::unfit(
            "the role of the catalogue has no schema to create tables in: make one, or set its search_path",
        ));
    };
    match &foreign[..] {
        [] => Ok(()),
        // a crash before the first migration leaves the table of migrations, empty
        [only] if only == "_sqlx_migrations" => Ok(()),
        [first, ..] => Err(OpenError::unfit(format!(
            "the schema `{schema}` of the database holds tables of something else, such as \
             `{first}`: give the catalogue a database or a schema of its own"
        ))),
    }
}

/// Makes sure that the schema is one that this program can use.
pub(super) async fn check(connection: &mut PgConnection) -> Result<(), OpenError> {
    not_of_before(connection).await?;
    if !has_migrations(connection).await? {
        not_elsewhere(connection).await?;
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
    let mut is_newer = false;
    for version in applied.into_keys().filter(|it| *it > own) {
        if !serves(connection, version, own).await? {
            return Err(migrate_error(MigrateError::VersionMissing(version)));
        }
        is_newer = true;
    }
    check_functions(connection, is_newer).await
}

/// Each of our functions is as `migrate` made it. That of a newer version, which serves this one, may
/// have mended some.
async fn check_functions(connection: &mut PgConnection, is_newer: bool) -> Result<(), OpenError> {
    let standing = functions::standing(connection).await?;
    let names = |of: FunctionState| {
        let named = standing.iter().filter(move |(_, it)| **it == of);
        named.map(|(name, _)| *name)
    };
    let changed: Vec<&str> = names(FunctionState::Changed).collect();
    if !changed.is_empty() {
        return Err(OpenError::unfit(format!(
            "the functions {} are not as `nexus-raw-server migrate` makes them, with their body, \
             SECURITY INVOKER and a search_path of their own alone: drop others of their name, and \
             run it again",
            changed.join(", ")
        )));
    }
    let is_older = !is_newer && names(FunctionState::OfAnotherVersion).next().is_some();
    if is_older || names(FunctionState::Missing).next().is_some() {
        return Err(unmigrated());
    }
    Ok(())
}

fn unmigrated() -> OpenError {
    OpenError::unfit(
        "the catalogue's schema is not there, or is of an older version of this program: \
         run `nexus-raw-server migrate`",
    )
}

async fn has_migrations(connection: &mut PgConnection) -> Result<bool, OpenError> {
    holds(connection, "to_regclass('_sqlx_migrations') IS NOT NULL").await
}

/// There is no catalogue in a schema where names are not looked for. A database that was restored
/// has its schemas, and not what was set for its name: the search path may be another one.
async fn not_elsewhere(connection: &mut PgConnection) -> Result<(), OpenError> {
    let rows = read(connection, ELSEWHERE).await.map_err(open_error)?;
    let Some(row) = rows.first() else {
        return Ok(());
    };
    let (schema, told): (String, String) = FromRow::from_row(row).map_err(open_error)?;
    Err(OpenError::unfit(format!(
        "the catalogue is in the schema {schema}, which is not on the search path: {told}"
    )))
}

const ELSEWHERE: &str = "
    SELECT n.nspname::text, format('ALTER ROLE %I IN DATABASE %I SET search_path = %I',
        session_user, current_database(), n.nspname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname IN ('_sqlx_migrations', 'schema_version', 'upload_intent')
        AND c.relkind = 'r'
    GROUP BY n.nspname HAVING count(*) = 3 ORDER BY n.nspname";

/// The checksums of the migrations that were applied.
async fn applied(connection: &mut PgConnection) -> Result<BTreeMap<i64, Vec<u8>>, OpenError> {
    let applied = "SELECT version, checksum FROM _sqlx_migrations WHERE success";
    let rows = read(connection, applied).await.map_err(open_error)?;
    let applied: Result<_, _> = rows.iter().map(FromRow::from_row).collect();
    applied.map_err(open_error)
}

/// Whether a schema of a newer version says that a server of ours may go on.
async fn serves(connection: &mut PgConnection, version: i64, own: i64) -> Result<bool, OpenError> {
    let row = format!("version = {version} AND serves_from <= {own}");
    let condition = format!("EXISTS (SELECT FROM schema_version WHERE {row})");
    holds(connection, &condition).await
}

async fn holds(connection: &mut PgConnection, condition: &str) -> Result<bool, OpenError> {
    let question = format!("SELECT {condition}");
    let rows = read(connection, &question).await.map_err(open_error)?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound);
    row.and_then(|row| row.try_get(0)).map_err(open_error)
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
        // it met what it did not expect
        MigrateError::ExecuteMigration(error, version) if is_rule_broken(&error) => {
            OpenError::unfit(format!(
                "the schema of the database is not what migration {version} is for: {error}"
            ))
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            open_error(error)
        }
        MigrateError::Dirty(version) => OpenError::unfit(format!(
            "migration {version} of the catalogue is half applied: restore it from a backup"
        )),
        other => OpenError::Unreachable(Box::new(other)),
    }
}
