//! The commands that read the catalogue beside the servers that use it.

use std::path::Path;

use nexus_raw::tenancy::Scope;
use nexus_raw_catalog_sql::{
    BackupReport, CatalogDifference, CatalogInspector, CheckedScope, MigrationPlan, SqlAssetCatalog,
};
use nexus_raw_config::Settings;

use super::{Failure, plan::Plan};

/// The scopes that are read at once.
const SCOPES: u32 = 1000;

/// Writes a backup of a SQLite catalogue into `file`.
///
/// # Errors
/// See [`Failure`].
pub fn backup(settings: &Settings, file: &Path) -> Result<BackupReport, Failure> {
    on_runtime(settings, async |plan| {
        let inspector = CatalogInspector::open(&plan.catalog.url).await?;
        Ok(inspector.backup(file).await?)
    })
}

/// Compares the catalogue with its events, scope by scope. Differences go to `report`, and what was
/// checked of each scope to `checked`.
///
/// # Errors
/// See [`Failure`]; and the first error of a receiver.
pub fn check_catalogue(
    settings: &Settings,
    report: &mut (dyn FnMut(CatalogDifference) + Send),
    checked: &mut dyn FnMut(&Scope, CheckedScope) -> Result<(), Failure>,
) -> Result<(), Failure> {
    on_runtime(settings, async |plan| {
        let inspector = CatalogInspector::open(&plan.catalog.url).await?;
        let mut after: Option<Scope> = None;
        loop {
            let scopes = inspector.scopes(None, after.as_ref(), SCOPES).await?;
            let Some(last) = scopes.last() else {
                return Ok(());
            };
            for scope in &scopes {
                let done = inspector.check(scope, report).await?;
                checked(scope, done)?;
            }
            after = Some(last.clone());
        }
    })
}

/// Returns what a migration would do.
///
/// # Errors
/// See [`Failure`].
pub fn plan_migration(settings: &Settings) -> Result<MigrationPlan, Failure> {
    on_runtime(settings, async |plan| {
        Ok(SqlAssetCatalog::plan_migration(plan.catalog).await?)
    })
}

/// Runs a command without retries, since an operator waits for it.
fn on_runtime<T>(
    settings: &Settings,
    command: impl AsyncFnOnce(Plan) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let plan = Plan::of(settings)?;
    let runtime = super::runtime_of_a_command()?;
    runtime.block_on(command(plan))
}
