use async_trait::async_trait;
use nexus_raw::{
    asset::{AssetId, DeclaredPart},
    ports::{CatalogError, CatalogInventory, IntentState},
    tenancy::{Scope, TenantId},
};

use super::{
    CatalogInspector,
    entry::{self, CatalogEntry, CorruptEntry, EntryState},
    source::View,
};
use crate::{
    listing::{Sql, Value},
    rows::decode,
};

const PARTS: &str = "SELECT p.part_number, p.size_bytes, p.sha256 FROM upload_part p \
    WHERE (p.tenant_id, p.env) = (?, ?)";

/// A row that cannot be decoded ends the call: what cannot be read cannot be compared.
#[async_trait]
impl CatalogInventory for CatalogInspector {
    async fn scopes(
        &self,
        tenant: Option<&TenantId>,
        after: Option<&Scope>,
        limit: u32,
    ) -> Result<Vec<Scope>, CatalogError> {
        Self::scopes(self, tenant, after, limit).await
    }

    async fn intents(
        &self,
        scope: &Scope,
        after: Option<AssetId>,
        limit: u32,
    ) -> Result<Vec<IntentState>, CatalogError> {
        let mut source = self.source.lock().await;
        source.begin(View::Of(scope)).await?;
        let only = " AND i.state <> 'ended'";
        let sql = entry::page(source.entries(), scope, after, only, super::within(limit));
        let entries = source.rows(sql, entry::decode).await?;
        source.end().await?;
        entries.into_iter().map(state).collect()
    }

    async fn intent(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<IntentState>, CatalogError> {
        let mut source = self.source.lock().await;
        source.begin(View::Of(scope)).await?;
        let sql = entry::one(source.entries(), scope, asset);
        let entries = source.rows(sql, entry::decode).await?;
        source.end().await?;
        entries.into_iter().next().map(state).transpose()
    }

    async fn parts(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Vec<DeclaredPart>, CatalogError> {
        let mut sql = Sql::of(PARTS, scope);
        let of = " AND p.asset_id = ? ORDER BY p.part_number";
        sql.push(of, [Value::Id(asset)]);
        let mut source = self.source.lock().await;
        source.begin(View::Of(scope)).await?;
        let parts = source.rows(sql, decode::declared_part).await?;
        source.end().await?;
        Ok(parts)
    }
}

/// An intent that was closed after its end may still be registered, as one that was not.
fn state(entry: Result<CatalogEntry, CorruptEntry>) -> Result<IntentState, CatalogError> {
    let CatalogEntry {
        intent,
        state,
        record,
        ..
    } = entry.map_err(|corrupt| CatalogError::Corrupt(Box::new(corrupt)))?;
    Ok(match (state, record) {
        (EntryState::Aborted, _) => IntentState::Aborted(intent),
        (_, Some(asset)) => IntentState::Registered {
            intent,
            provenance_digest: asset.provenance().digest(),
            asset,
        },
        (_, None) => IntentState::Pending(intent),
    })
}
