//! The commands on parked events.

use nexus_raw::ports::{CatalogError, KeptEvent, ParkedEvents, ParkedFilter};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_config::Settings;

use super::{Failure, plan::Plan};

/// Returns the parked events that match `filter`.
///
/// # Errors
/// See [`Failure`].
pub fn parked(
    settings: &Settings,
    filter: &ParkedFilter,
    limit: u32,
) -> Result<Vec<KeptEvent>, Failure> {
    with_catalog(settings, async |catalog, _| {
        catalog.parked(filter, limit).await
    })
}

/// Marks parked events for a retry by the relay and returns their number.
///
/// # Errors
/// See [`Failure`].
pub fn retry(settings: &Settings, filter: &ParkedFilter) -> Result<u64, Failure> {
    with_catalog(settings, async |catalog, plan| {
        catalog.ask_retry(filter.clone(), plan.clock.now()).await
    })
}

/// Opens the catalogue without retries, since an operator waits for the command.
fn with_catalog<T>(
    settings: &Settings,
    call: impl AsyncFnOnce(&SqlAssetCatalog, &Plan) -> Result<T, CatalogError>,
) -> Result<T, Failure> {
    let plan = Plan::of(settings)?;
    let runtime = super::runtime_of_a_command()?;
    runtime.block_on(async {
        let catalog = SqlAssetCatalog::open(plan.catalog.clone()).await?;
        let answer = call(&catalog, &plan).await;
        catalog.close().await;
        Ok(answer?)
    })
}
