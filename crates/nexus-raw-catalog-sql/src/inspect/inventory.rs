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
    within,
};
use crate::{
    listing::{Sql, Value},
    rows::{Columns, decode},
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
        let mut sql = Sql::default();
        sql.push("SELECT s.tenant_id, s.env FROM scope s WHERE TRUE", []);
        if let Some(tenant) = tenant {
            let tenant = Value::Text(tenant.as_str().to_owned());
            sql.push(" AND s.tenant_id = ?", [tenant]);
        }
        if let Some(after) = after {
            let after = Sql::of(" AND (s.tenant_id, s.env) > (?, ?)", after);
            sql.push(&after.text, after.values);
        }
        let order = format!(" ORDER BY s.tenant_id, s.env LIMIT {}", within(limit));
        sql.push(&order, []);
        let mut source = self.source.lock().await;
        source.begin(View::AllScopes).await?;
        let scope = |row: &Columns<'_>| row.scope("scope.tenant_id", "scope.env");
        let scopes = source.rows(sql, scope).await?;
        source.end().await?;
        Ok(scopes)
    }

    async fn intents(
        &self,
        scope: &Scope,
        after: Option<AssetId>,
        limit: u32,
    ) -> Result<Vec<IntentState>, CatalogError> {
        let entries = self.entries(scope, after, limit).await?;
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
