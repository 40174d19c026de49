//! What is in force of records that a caller has already.

use std::{collections::BTreeMap, sync::Arc};

use nexus_raw::{asset::AssetId, ports::CatalogError, tenancy::Scope};

use super::{PostgresReader, TO_LIST, entered, query_on};
use crate::{
    error::CorruptColumn,
    listing::Sql,
    postgres::pool::Connections,
    rows::{Columns, decode},
};

/// What the row itself settles: all but `true` while a withdrawal is under way in the scope.
const SETTLED: &str = "SELECT a.asset_id, a.train_ok_effective AND CASE WHEN (SELECT s.withdrawing FROM scope s \
    WHERE s.tenant_id = a.tenant_id AND s.env = a.env) THEN NULL ELSE true END AS effective FROM asset a \
    WHERE a.tenant_id = ? AND a.env = ? AND a.asset_id IN ";

/// Looks at the ancestors, of which there may be many, where the row does not settle it.
const SEARCHED: &str = "SELECT a.asset_id, effective_v1(a) AS effective FROM asset a \
    WHERE a.tenant_id = ? AND a.env = ? AND a.asset_id IN ";

impl PostgresReader {
    /// Callers share a read of rows: one statement costs about as much for many assets as for one. It
    /// aggregates no labels and parents, unlike [`Self::find_asset`]. No caller waits for the search of
    /// another one's ancestors.
    pub(crate) async fn train_ok_effective(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<bool>, CatalogError> {
        let connections = Arc::clone(&self.connections);
        let read = move |scope, assets| {
            let connections = Arc::clone(&connections);
            async move { effective(&connections, SETTLED, &scope, assets).await }
        };
        match self.effective.value(scope, asset, read).await? {
            Some(None) => {
                let searched = effective(&self.connections, SEARCHED, scope, vec![asset]);
                Ok(searched.await?.remove(&asset).flatten())
            }
            settled => Ok(settled.flatten()),
        }
    }
}

/// Reads what is in force of those of these assets that are registered, where `statement` says it.
async fn effective(
    connections: &Connections,
    statement: &'static str,
    scope: &Scope,
    assets: Vec<AssetId>,
) -> Result<BTreeMap<AssetId, Option<bool>>, CatalogError> {
    let mut sql = Sql::of(statement, scope);
    sql.push_ids(assets);
    let rows = query_on(connections, TO_LIST, &entered(scope, &sql)).await?;
    // the first row is that of entering the scope
    let flags = rows.iter().skip(1).map(|row| {
        let row = Columns(row);
        let id = row.asset_id("asset.asset_id")?;
        let is_settled = row.optional::<i64>("asset.effective")?.is_some();
        let effective = is_settled.then(|| decode::flag(&row, "asset.effective"));
        Ok((id, effective.transpose()?))
    });
    Ok(flags.collect::<Result<_, CorruptColumn>>()?)
}
