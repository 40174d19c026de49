//! What a command opens that writes to the catalogue. On SQLite it excludes a server.

use std::sync::Arc;

use nexus_raw::event::RequestContext;
use nexus_raw_catalog_sql::{CatalogInspector, OpenError, SqlAssetCatalog};
use nexus_raw_storage_s3::{S3RawStorageRepository, UnprobedS3};
use slog::Logger;

#[cfg(feature = "fail-points")]
use super::fail_points;
use super::{Failure, embedded::EmbeddedStore, plan::Plan};
use crate::random;

/// The catalogue, and the store of embedded mode.
pub(super) struct WritingCommand {
    pub(super) catalog: Arc<SqlAssetCatalog>,
    store: Option<EmbeddedStore>,
}

impl WritingCommand {
    /// Opens the catalogue, and starts the store of embedded mode, whose address `plan` has then.
    pub(super) async fn open(plan: &mut Plan) -> Result<Self, Failure> {
        // a server would create a missing one, but a command has nothing to do on an empty one
        drop(CatalogInspector::open(&plan.catalog.url).await?);
        // before the store: it excludes a server on SQLite, and so on the embedded store
        #[cfg(not(feature = "fail-points"))]
        let catalog = SqlAssetCatalog::open(plan.catalog.clone()).await;
        #[cfg(feature = "fail-points")]
        let catalog = fail_points::open(plan.catalog.clone()).await;
        let catalog = Arc::new(catalog.map_err(in_use)?);
        let store = plan.store.as_ref();
        match store
            .map(|it| EmbeddedStore::start(it, &mut plan.storage))
            .transpose()
        {
            Ok(store) => Ok(Self { catalog, store }),
            Err(failure) => {
                catalog.close().await;
                Err(failure)
            }
        }
    }

    /// Closes both.
    pub(super) async fn close(self, log: &Logger) {
        self.catalog.close().await;
        if let Some(store) = self.store {
            store.stop(log).await;
        }
    }
}

/// Connects to the store of the plan, and probes it.
pub(super) async fn probed(plan: &Plan) -> Result<S3RawStorageRepository, Failure> {
    let store = UnprobedS3::connect(plan.storage.clone(), Arc::clone(&plan.clock)).await?;
    Ok(store.probe().await?)
}

/// Returns the trace and the request id of a run, which the log has too.
pub(super) fn context_of(run: &'static str, plan: &Plan, log: &Logger) -> RequestContext {
    let context = random::fresh_context();
    slog::info!(log, "{} begun", run;
        "bucket" => plan.storage.bucket.as_str(),
        "trace_id" => context.trace_id.to_string(),
        "request_id" => context.request_id.as_str());
    context
}

fn in_use(error: OpenError) -> Failure {
    match error {
        OpenError::InUse { .. } => Failure::ServerRuns(error),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_sees_that_a_server_runs() {
        let catalog = "catalog.sqlite".into();
        assert_eq!(in_use(OpenError::InUse { catalog }).exit_code(), 69);
    }
}
