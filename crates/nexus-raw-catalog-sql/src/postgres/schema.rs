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
use crate::{
    error::OpenError,
    migration_plan::{MigrationPlan, PlanReason, PlannedFunction, PlannedMigration},
};

/// Refuses the tables of a version before the first release.
async fn refuse_prerelease(connection: &mut PgConnection) -> Result<(), OpenError> {
    let is_prerelease = "EXISTS (SELECT FROM pg_attribute \
        WHERE attrelid = to_regclass('event') AND attname = 'commitment' AND NOT attisdropped)";
    if holds(connection, is_prerelease).await? {
        return Err(OpenError::incompatible(
            "the catalogue is from a version before the first release, whose events have another \
             format, and cannot be migrated: use a new database or schema",
        ));
    }
    Ok(())
}

/// Migrates the schema, tables and then functions, and returns the applied migrations.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<Vec<i64>, OpenError> {
    // held until the connection is closed, so that one process at a time migrates
    connection.lock().await.map_err(migrate_error)?;
    refuse_prerelease(connection).await?;
    let before = if has_migrations(connection).await? {
        applied(connection).await?
    } else {
        // a second catalogue would be empty
        refuse_other_schema(connection).await?;
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

/// Returns what [`migrate`] would do, and refuses what it would refuse. Without its lock, since nothing
/// is written.
pub(super) async fn plan(connection: &mut PgConnection) -> Result<MigrationPlan, OpenError> {
    refuse_prerelease(connection).await?;
    let applied = if has_migrations(connection).await? {
        refuse_half_applied(connection).await?;
        applied(connection).await?
    } else {
        refuse_other_schema(connection).await?;
        BTreeMap::new()
    };
    recognise(connection).await?;
    let mut plan = MigrationPlan::default();
    let mut unknown = applied.clone();
    for known in MIGRATIONS.iter() {
        unknown.remove(&known.version);
        match applied.get(&known.version) {
            None => plan.migrations.push(PlannedMigration {
                version: known.version,
                description: known.description.to_string(),
            }),
            Some(checksum) if *checksum == *known.checksum => {}
            Some(_) => return Err(migrate_error(MigrateError::VersionMismatch(known.version))),
        }
    }
    if let Some(version) = unknown.into_keys().next() {
        return Err(migrate_error(MigrateError::VersionMissing(version)));
    }
    let states = if applied.is_empty() {
        functions::none()
    } else {
        functions::states(connection).await?
    };
    let planned = states.into_iter().filter_map(|(name, state)| {
        let reason = match state {
            FunctionState::Ours => return None,
            FunctionState::Missing => PlanReason::Missing,
            FunctionState::OfAnotherVersion => PlanReason::OtherVersion,
            FunctionState::Changed => PlanReason::Changed,
        };
        Some(PlannedFunction { name, reason })
    });
    plan.functions.extend(planned);
    Ok(plan)
}

async fn refuse_half_applied(connection: &mut PgConnection) -> Result<(), OpenError> {
    let half = "SELECT version FROM _sqlx_migrations WHERE NOT success ORDER BY version LIMIT 1";
    let rows = read(connection, half).await.map_err(open_error)?;
    let Some(row) = rows.first() else {
        return Ok(());
    };
    let version = row.try_get(0).map_err(open_error)?;
    Err(migrate_error(MigrateError::Dirty(version)))
}

/// Refuses a schema with foreign tables, before anything is written to it: names could collide, and
/// a schema is dropped, dumped and granted as a whole. Tables of extensions do not count.
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
        return Err(OpenError::incompatible(
            "the role of the catalogue has no schema to create tables in: create one, or set its search_path",
        ));
    };
    match &foreign[..] {
        [] => Ok(()),
        // a crash before the first migration leaves the table of migrations, empty
        [only] if only == "_sqlx_migrations" => Ok(()),
        [first, ..] => Err(OpenError::incompatible(format!(
            "the schema `{schema}` of the database has foreign tables, such as `{first}`: give the \
             catalogue a database or a schema of its own"
        ))),
    }
}

/// Checks that this program can use the schema.
pub(super) async fn check(connection: &mut PgConnection) -> Result<(), OpenError> {
    refuse_prerelease(connection).await?;
    if !has_migrations(connection).await? {
        refuse_other_schema(connection).await?;
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

/// Checks that each function is as `migrate` created it. A newer version may have replaced some.
async fn check_functions(connection: &mut PgConnection, is_newer: bool) -> Result<(), OpenError> {
    let states = functions::states(connection).await?;
    let names = |of: FunctionState| {
        let named = states.iter().filter(move |(_, it)| **it == of);
        named.map(|(name, _)| *name)
    };
    let changed: Vec<&str> = names(FunctionState::Changed).collect();
    if !changed.is_empty() {
        return Err(OpenError::incompatible(format!(
            "the functions {} are not as `nexus-raw-server migrate` creates them, with their body, \
             SECURITY INVOKER and no setting but their search_path: drop overloads, and run it again",
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
    OpenError::incompatible(
        "the catalogue's schema is missing, or from an older version of this program: \
         run `nexus-raw-server migrate`",
    )
}

async fn has_migrations(connection: &mut PgConnection) -> Result<bool, OpenError> {
    holds(connection, "to_regclass('_sqlx_migrations') IS NOT NULL").await
}

/// Refuses to go on if a catalogue exists in a schema that is not on the search path. A restored
/// database keeps its schemas but not the settings of its name, so its search path may differ.
async fn refuse_other_schema(connection: &mut PgConnection) -> Result<(), OpenError> {
    let rows = read(connection, ELSEWHERE).await.map_err(open_error)?;
    let Some(row) = rows.first() else {
        return Ok(());
    };
    let (schema, fix): (String, String) = FromRow::from_row(row).map_err(open_error)?;
    Err(OpenError::incompatible(format!(
        "the catalogue is in the schema {schema}, which is not on the search path: {fix}"
    )))
}

const ELSEWHERE: &str = "
    SELECT n.nspname::text, format('ALTER ROLE %I IN DATABASE %I SET search_path = %I',
        session_user, current_database(), n.nspname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname IN ('_sqlx_migrations', 'schema_version', 'upload_intent')
        AND c.relkind = 'r'
    GROUP BY n.nspname HAVING count(*) = 3 ORDER BY n.nspname";

/// Returns the checksums of the applied migrations.
async fn applied(connection: &mut PgConnection) -> Result<BTreeMap<i64, Vec<u8>>, OpenError> {
    let applied = "SELECT version, checksum FROM _sqlx_migrations WHERE success";
    let rows = read(connection, applied).await.map_err(open_error)?;
    let applied: Result<_, _> = rows.iter().map(FromRow::from_row).collect();
    applied.map_err(open_error)
}

/// Returns whether the schema of a newer version supports this version.
async fn serves(connection: &mut PgConnection, version: i64, own: i64) -> Result<bool, OpenError> {
    let row = format!("version = {version} AND serves_from <= {own}");
    let condition = format!("EXISTS (SELECT FROM schema_version WHERE {row})");
    holds(connection, &condition).await
}

async fn holds(connection: &mut PgConnection, condition: &str) -> Result<bool, OpenError> {
    let query = format!("SELECT {condition}");
    let rows = read(connection, &query).await.map_err(open_error)?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound);
    row.and_then(|row| row.try_get(0)).map_err(open_error)
}

fn migrate_error(error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(version) => OpenError::incompatible(format!(
            "the catalogue's schema is from a newer version of this program: \
             its migration {version} is unknown"
        )),
        MigrateError::VersionMismatch(version) => OpenError::incompatible(format!(
            "the catalogue was written by another program: its migration {version} differs"
        )),
        // the existing schema conflicts
        MigrateError::ExecuteMigration(error, version) if is_rule_broken(&error) => {
            OpenError::incompatible(format!(
                "migration {version} does not match the schema of the database: {error}"
            ))
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            open_error(error)
        }
        MigrateError::Dirty(version) => OpenError::incompatible(format!(
            "migration {version} of the catalogue is half applied: restore it from a backup"
        )),
        other => OpenError::Unreachable(Box::new(other)),
    }
}
