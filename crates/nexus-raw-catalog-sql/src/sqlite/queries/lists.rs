//! Lists.

use nexus_raw::{
    ports::{AssetPage, AssetQuery, CatalogError},
    tenancy::Scope,
};
use rusqlite::{params, params_from_iter};

use super::{EFFECTIVE, collect, read_error};
use crate::{
    listing::{self, Listing, Select, Sql},
    rows::{Columns, decode},
    sqlite::connection::{SqliteConnection, SqliteRow},
};

/// The columns of a list, of `asset a`.
pub(in crate::sqlite) const LISTED: Select<'_> = Select {
    columns: LISTED_COLUMNS,
    join: "CROSS JOIN",
    unindexed: ["+", ""],
    effective: EFFECTIVE,
};
const LISTED_COLUMNS: &str = concat!(
    "(SELECT s.bucket FROM object_store s WHERE s.object_store_id = a.object_store_id) AS bucket, ",
    effective!(),
    " AS effective, ",
    asset_columns!()
);

pub(super) const LAST_SEQUENCE: &str = "
    SELECT last_sequence FROM scope WHERE tenant_id = ?1 AND env = ?2";

/// A page of a list. What is registered meanwhile lies above the place that it begins at, so the
/// statements need no transaction.
pub(in crate::sqlite) fn assets(
    connection: &mut SqliteConnection,
    scope: &Scope,
    query: &AssetQuery,
) -> Result<AssetPage, CatalogError> {
    let of = params![scope.tenant.as_str(), scope.environment.as_str()];
    let row = connection.row(LAST_SEQUENCE, of).map_err(read_error)?;
    let last = row.map(|row| Columns(&row).get("scope.last_sequence"));
    let before = listing::before(query, last.transpose()?.unwrap_or(0));
    let listing = Listing::of(scope, &query.filter);
    let floor: Option<i64> = if listing.is_checked() {
        let row = rows(connection, &listing.floor(before)).map_err(read_error)?;
        let floor = row
            .first()
            .map(|row| Columns(row).get("asset.registered_sequence"));
        floor.transpose()?
    } else {
        None
    };
    let limit = query.limit.saturating_add(1);
    let sql = listing.rows(LISTED, before, floor.unwrap_or(0), limit);
    let assets = collect(rows(connection, &sql), decode::listed)?;
    Ok(listing::page(assets, query, floor)?)
}

/// Returns the rows of a statement that is made of our own texts, with what others say as values.
pub(in crate::sqlite) fn rows(
    connection: &mut SqliteConnection,
    sql: &Sql,
) -> Result<Vec<SqliteRow>, rusqlite::Error> {
    connection.rows(&sql.text, params_from_iter(&sql.values))
}
