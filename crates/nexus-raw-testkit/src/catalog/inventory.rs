use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, DeclaredPart},
    ports::{AssetCatalog as _, CatalogError, CatalogInventory, IntentState},
    tenancy::{Scope, TenantId},
};

use super::{FakeCatalog, parts};

#[async_trait]
impl CatalogInventory for FakeCatalog {
    async fn scopes(
        &self,
        tenant: Option<&TenantId>,
        after: Option<&Scope>,
        limit: u32,
    ) -> Result<Vec<Scope>, CatalogError> {
        self.read(|state| {
            let scopes = state.scopes();
            let scopes = scopes.filter(|it| {
                tenant.is_none_or(|tenant| it.tenant == *tenant)
                    && after.is_none_or(|after| *it > after)
            });
            scopes
                .take(usize::try_from(limit).unwrap())
                .cloned()
                .collect()
        })
        .await
    }

    async fn intents(
        &self,
        scope: &Scope,
        after: Option<AssetId>,
        limit: u32,
    ) -> Result<Vec<IntentState>, CatalogError> {
        self.read(|state| {
            let intents = state.intents(scope);
            let intents = intents.filter(|it| Some(it.intent().asset_id) > after);
            let intents = intents.filter(|it| !state.is_closed(it.intent()));
            intents
                .take(usize::try_from(limit).unwrap())
                .cloned()
                .collect()
        })
        .await
    }

    async fn intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        self.find_intent(scope, asset).await
    }

    async fn parts(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Vec<DeclaredPart>, CatalogError> {
        self.read(|state| parts::page(state, scope, asset, 0, u16::MAX))
            .await
    }
}
