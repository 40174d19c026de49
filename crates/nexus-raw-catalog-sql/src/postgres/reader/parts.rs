//! Reads of the parts of uploads.

use nexus_raw::{
    asset::{AssetId, DeclaredPart},
    ports::CatalogError,
    tenancy::Scope,
};

use super::{Argument, Columns, PostgresReader, about, decode};

impl PostgresReader {
    pub(crate) async fn declared_parts(
        &self,
        scope: &Scope,
        asset: AssetId,
        after: u16,
        limit: u16,
    ) -> Result<Vec<DeclaredPart>, CatalogError> {
        let (after, limit) = (i64::from(after), i64::from(limit));
        let arguments: [&dyn Argument; 3] = [&asset.to_string(), &after, &limit];
        let call = about("declared_parts_v1", scope, &arguments);
        let query = format!("SELECT r.part_number, r.size_bytes, r.sha256 FROM {call} r");
        let rows = self.query(&query).await?;
        let parts = rows.iter().map(|row| decode::declared_part(&Columns(row)));
        Ok(parts.collect::<Result<_, _>>()?)
    }
}
