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

const TRAIN_OK_EFFECTIVE: &str = "SELECT a.asset_id, effective_v1(a) AS effective FROM asset a \
    WHERE a.tenant_id = ? AND a.env = ? AND a.asset_id IN ";

impl PostgresReader {
    /// Callers share a read: one statement costs about as much for many assets as for one. It
    /// aggregates no labels and parents, unlike [`Self::find_asset`].
    pub(crate) async fn train_ok_effective(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<bool>, CatalogError> {
        let connections = Arc::clone(&self.connections);
        let read = move |scope, assets| {
            let connections = Arc::clone(&connections);
            async move { effective_of(&connections, &scope, assets).await }
        };
        self.effective.value(scope, asset, read).await
    }
}

/// Reads what is in force of those of these assets that are registered.
async fn effective_of(
    connections: &Connections,
    scope: &Scope,
    assets: Vec<AssetId>,
) -> Result<BTreeMap<AssetId, bool>, CatalogError> {
    let mut sql = Sql::of(TRAIN_OK_EFFECTIVE, scope);
    sql.push_ids(assets);
    let rows = query_on(connections, TO_LIST, &entered(scope, &sql)).await?;
    // the first row is that of entering the scope
    let flags = rows.iter().skip(1).map(|row| {
        let row = Columns(row);
        let id = row.asset_id("asset.asset_id")?;
        Ok((id, decode::flag(&row, "asset.effective")?))
    });
    Ok(flags.collect::<Result<_, CorruptColumn>>()?)
}
