use async_trait::async_trait;
use nexus_raw::{
    ports::{CatalogError, ScopeRecords, UnverifiedAsset, UnverifiedPlace, VerificationBacklog},
    tenancy::{Scope, TenantId},
    time::Timestamp,
};

use super::{SqlAssetCatalog, read};

#[async_trait]
impl VerificationBacklog for SqlAssetCatalog {
    async fn scopes_with_records(
        &self,
        tenant: Option<TenantId>,
        after: Option<Scope>,
        limit: u32,
    ) -> Result<Vec<ScopeRecords>, CatalogError> {
        let (tenant, after) = (tenant.as_ref(), after.as_ref());
        read!(self, "scopes_with_records", it => it.scopes_with_records(tenant, after, limit))
    }

    async fn unverified(
        &self,
        scope: &Scope,
        before: Timestamp,
        after: Option<UnverifiedPlace>,
        limit: u32,
    ) -> Result<Vec<UnverifiedAsset>, CatalogError> {
        read!(self, "unverified", it => it.unverified(scope, before, after, limit))
    }
}
