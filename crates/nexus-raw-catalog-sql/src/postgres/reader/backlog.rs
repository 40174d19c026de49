//! Reads of the backlog of verifications.

use nexus_raw::{
    ports::{CatalogError, ScopeRecords, UnverifiedAsset, UnverifiedPlace},
    tenancy::{Scope, TenantId},
    time::Timestamp,
};

use super::{PostgresReader, TO_LIST, entered, filled};
use crate::{backlog, rows::Columns};

/// Scopes are seen with the relay's rights, and the rows in them are not.
const ENTER_SCOPES: &str = "SELECT enter_as_relay(); ";

impl PostgresReader {
    pub(crate) async fn scopes_with_records(
        &self,
        tenant: Option<&TenantId>,
        after: Option<&Scope>,
        limit: u32,
    ) -> Result<Vec<ScopeRecords>, CatalogError> {
        let sql = ENTER_SCOPES.to_owned() + &filled(&backlog::scopes(tenant, after, limit));
        let rows = self.query_with(TO_LIST, &sql).await?;
        // the first row is that of the rights
        let rows = rows.iter().skip(1);
        let scopes = rows.map(|row| backlog::scope_records(&Columns(row)));
        Ok(scopes.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn unverified(
        &self,
        scope: &Scope,
        before: Timestamp,
        after: Option<UnverifiedPlace>,
        limit: u32,
    ) -> Result<Vec<UnverifiedAsset>, CatalogError> {
        let sql = backlog::unverified("asset a", scope, before, after, limit);
        let rows = self.query_with(TO_LIST, &entered(scope, &sql)).await?;
        // the first row is that of entering the scope
        let rows = rows.iter().skip(1);
        let assets = rows.map(|row| backlog::unverified_asset(&Columns(row)));
        Ok(assets.collect::<Result<_, _>>()?)
    }
}
