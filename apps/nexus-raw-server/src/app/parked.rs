//! What the commands ask of the catalogue about events that sinks have refused.

use nexus_raw::ports::{CatalogError, KeptEvent, ParkedEvents, ParkedFilter};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_config::Settings;

use super::{Failure, plan::Plan};

/// The parked events that `filter` means.
///
/// # Errors
/// See [`Failure`].
pub fn parked(
    settings: &Settings,
    filter: &ParkedFilter,
    limit: u32,
) -> Result<Vec<KeptEvent>, Failure> {
    ask(settings, async |catalog, _| {
        catalog.parked(filter, limit).await
    })
}

/// Has the relay send them again; how many there are. Nothing is sent here.
///
/// # Errors
/// See [`Failure`].
pub fn retry(settings: &Settings, filter: &ParkedFilter) -> Result<u64, Failure> {
    ask(settings, async |catalog, plan| {
        catalog.ask_retry(filter.clone(), plan.clock.now()).await
    })
}

/// Asks once: whoever sits at the command is not to wait for what is in use.
fn ask<T>(
    settings: &Settings,
    question: impl AsyncFnOnce(&SqlAssetCatalog, &Plan) -> Result<T, CatalogError>,
) -> Result<T, Failure> {
    let plan = Plan::of(settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::System)?;
    runtime.block_on(async {
        let catalog = SqlAssetCatalog::open(plan.catalog.clone()).await?;
        let answer = question(&catalog, &plan).await;
        catalog.close().await;
        Ok(answer?)
    })
}
