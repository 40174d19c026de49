//! Reads of facts and lineages.

use nexus_raw::{
    asset::{AssetId, StatedFact},
    ports::{AssetFacts, CatalogError, LineageGraph, LineageQuery},
    tenancy::Scope,
};

use super::{EFFECTIVE, PostgresReader, TO_LIST, about, entered};
use crate::{
    error::CorruptColumn,
    lineage::{self, LineageReader},
    listing::Sql,
    postgres::statement::{Argument, call},
    rows::{Columns, decode},
};

const FACTS: &str = concat!(
    "SELECT r.effective, r.latest, r.withheld_by, ",
    asset_columns!(),
    " FROM facts_v1"
);

impl LineageReader for &PostgresReader {
    const EFFECTIVE: &'static str = EFFECTIVE;

    async fn rows<T: Send>(
        &mut self,
        scope: &Scope,
        sql: Sql,
        read: impl Fn(&Columns<'_>) -> Result<T, CorruptColumn> + Send,
    ) -> Result<Vec<T>, CatalogError> {
        let rows = self.query_with(TO_LIST, &entered(scope, &sql)).await?;
        let rows = rows.iter().skip(1).map(|row| read(&Columns(row)));
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl PostgresReader {
    pub(crate) async fn find_facts(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Option<AssetFacts>, CatalogError> {
        let query = about(FACTS, scope, &[&asset.to_string()]) + " r";
        let rows = self.query(&query).await?;
        let facts = rows.first().map(|row| decode::asset_facts(&Columns(row)));
        Ok(facts.transpose()?)
    }

    pub(crate) async fn facts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StatedFact>, CatalogError> {
        // no fact has a sequence beyond the largest integer of PostgreSQL
        let Ok(after) = i64::try_from(after) else {
            return Ok(Vec::new());
        };
        let arguments: [&dyn Argument; 3] = [&asset.to_string(), &after, &i64::from(limit)];
        let query = about("SELECT * FROM facts_after_v1", scope, &arguments);
        let rows = self.query(&query).await?;
        let facts = rows.iter().map(|row| decode::stated_fact(&Columns(row)));
        Ok(facts.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn unfinished_consent(&self, limit: u32) -> Result<Vec<Scope>, CatalogError> {
        let query = call("SELECT * FROM unfinished_consent_v1", &[&i64::from(limit)]);
        let rows = self.query(&query).await?;
        let scopes = rows
            .iter()
            .map(|row| Columns(row).scope("scope.tenant_id", "scope.env"));
        Ok(scopes.collect::<Result<_, _>>()?)
    }

    /// Edges are never changed or removed, so the statements need not be of one moment.
    pub(crate) async fn lineage(
        &self,
        scope: &Scope,
        asset: AssetId,
        query: &LineageQuery,
    ) -> Result<Option<LineageGraph>, CatalogError> {
        lineage::read(&mut &*self, scope, asset, query).await
    }
}
