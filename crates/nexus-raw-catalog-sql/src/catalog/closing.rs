use async_trait::async_trait;
use nexus_raw::{
    asset::AssetId,
    ports::{CatalogError, IntentClosing},
    tenancy::Scope,
    time::Timestamp,
};

use super::SqlAssetCatalog;
use crate::writer::EndedIntents;

#[async_trait]
impl IntentClosing for SqlAssetCatalog {
    async fn close_intents(
        &self,
        scope: &Scope,
        assets: &[AssetId],
        now: Timestamp,
    ) -> Result<u32, CatalogError> {
        let close = self.writer.call(EndedIntents {
            scope: scope.clone(),
            assets: assets.to_vec(),
            now,
        });
        self.observed("close_intents", close).await
    }
}
