//! Lists.

use nexus_raw::{
    ports::{AssetPage, AssetQuery, CatalogError},
    tenancy::Scope,
};
use sqlx::{AssertSqlSafe, Row, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use super::{EFFECTIVE, collect, read_error, with_value};
use crate::{
    listing::{self, Listing, Select, Sql},
    rows::decode,
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
pub(in crate::sqlite) async fn assets(
    connection: &mut SqliteConnection,
    scope: &Scope,
    query: &AssetQuery,
) -> Result<AssetPage, CatalogError> {
    let last = sqlx::query_scalar(LAST_SEQUENCE)
        .bind(scope.tenant.as_str())
        .bind(scope.environment.as_str())
        .fetch_optional(&mut *connection)
        .await
        .map_err(read_error)?;
    let before = listing::before(query, last.unwrap_or(0));
    let listing = Listing::of(scope, &query.filter);
    let floor: Option<i64> = if listing.is_checked() {
        let sql = listing.floor(before);
        let row = bound(&sql).fetch_optional(&mut *connection).await;
        let row = row.map_err(read_error)?;
        row.map(|row| row.try_get(0))
            .transpose()
            .map_err(read_error)?
    } else {
        None
    };
    let limit = query.limit.saturating_add(1);
    let sql = listing.rows(LISTED, before, floor.unwrap_or(0), limit);
    let rows = bound(&sql).fetch_all(connection).await;
    let assets = collect(rows, decode::listed)?;
    Ok(listing::page(assets, query, floor)?)
}

pub(in crate::sqlite) fn bound(sql: &Sql) -> Query<'_, Sqlite, SqliteArguments> {
    // made of our own texts; what others say is bound
    let query = sqlx::query(AssertSqlSafe(sql.text.as_str()));
    // there is one text for each set of filters
    sql.values.iter().fold(query.persistent(false), with_value)
}
