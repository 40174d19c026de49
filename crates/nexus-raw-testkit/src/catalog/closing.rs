use async_trait::async_trait;
use nexus_raw::{
    asset::AssetId,
    ports::{CatalogError, IntentClosing},
    tenancy::Scope,
    time::Timestamp,
};

use super::FakeCatalog;

#[async_trait]
impl IntentClosing for FakeCatalog {
    async fn close_intents(
        &self,
        scope: &Scope,
        assets: &[AssetId],
        now: Timestamp,
    ) -> Result<u32, CatalogError> {
        let close = |state: &mut super::State| Ok(state.close_intents(scope, assets, now));
        self.write(scope.clone(), close).await
    }
}
