//! Lists.

use nexus_raw::{
    asset::{AssetId, RawAsset},
    ports::{AssetPage, AssetQuery, CatalogError, ListItem},
    tenancy::Scope,
};
use rusqlite::{params, params_from_iter};

use super::{EFFECTIVE, read_error};
use crate::{
    error::CorruptColumn,
    listing::{self, Listing, Select, Sql},
    rows::{Columns, decode},
    sqlite::connection::SqliteConnection,
};

/// The columns of a list, of `asset a`.
pub(in crate::sqlite) const LISTED: Select<'_> = Select {
    columns: concat!(
        "(SELECT s.bucket FROM object_store s WHERE s.object_store_id = a.object_store_id
        ) AS bucket, ",
        effective!(),
        " AS effective, ",
        asset_columns!()
    ),
    join: "CROSS JOIN",
    unindexed: ["+", ""],
    effective: EFFECTIVE,
};

const THESE: &str = concat!(
    "SELECT (SELECT s.bucket FROM object_store s WHERE s.object_store_id = a.object_store_id
    ) AS bucket, ",
    asset_columns!(),
    " FROM asset a WHERE a.tenant_id = ? AND a.env = ? AND a.asset_id IN "
);

/// The columns of a list without records.
pub(in crate::sqlite) const HEADS: Select<'_> = Select {
    columns: concat!(
        "a.asset_id, a.registered_sequence, a.train_ok, a.pii_flags, a.stated_train_ok,
        a.stated_pii_flags, a.last_fact, ",
        effective!(),
        " AS effective"
    ),
    ..LISTED
};

/// `asset a` in the order in which objects are read again.
pub(in crate::sqlite) const BY_VERIFICATION: &str = "asset a INDEXED BY asset_by_verification";

pub(super) const LAST_SEQUENCE: &str = "
    SELECT last_sequence FROM scope WHERE tenant_id = ?1 AND env = ?2";

/// A page of a list. What is registered meanwhile lies above the place that it begins at, so the
/// statements need no transaction.
pub(in crate::sqlite) fn page<A: ListItem>(
    connection: &mut SqliteConnection,
    scope: &Scope,
    query: &AssetQuery,
    select: Select<'_>,
    decode: fn(&Columns<'_>) -> Result<A, CorruptColumn>,
) -> Result<AssetPage<A>, CatalogError> {
    let of = params![scope.tenant.as_str(), scope.environment.as_str()];
    let last = connection.row(LAST_SEQUENCE, of, |row| row.get("scope.last_sequence"));
    let before = listing::before(query, last.map_err(read_error)?.unwrap_or(0));
    let listing = Listing::of(scope, &query.filter);
    let floor: Option<i64> = if listing.is_checked() {
        let floor = |row: &Columns<'_>| row.get("asset.registered_sequence");
        let floor = rows(connection, &listing.floor(before), floor)?;
        floor.into_iter().next()
    } else {
        None
    };
    let limit = query.limit.saturating_add(1);
    let sql = listing.rows(select, before, floor.unwrap_or(0), limit);
    let assets = rows(connection, &sql, decode)?;
    Ok(listing::page(assets, query, floor)?)
}

/// The records of those of these assets that the scope has.
pub(in crate::sqlite) fn these(
    connection: &mut SqliteConnection,
    scope: &Scope,
    assets: &[AssetId],
) -> Result<Vec<RawAsset>, CatalogError> {
    let Some(last) = assets.last() else {
        return Ok(Vec::new());
    };
    // few lengths, since each is another statement
    let filling = assets.len().next_power_of_two() - assets.len();
    let mut sql = Sql::of(THESE, scope);
    sql.push_ids(
        assets
            .iter()
            .chain(std::iter::repeat_n(last, filling))
            .copied(),
    );
    rows(connection, &sql, decode::asset)
}

/// Reads the rows of a statement that is made of our own texts, with what others say as values.
pub(in crate::sqlite) fn rows<T>(
    connection: &mut SqliteConnection,
    sql: &Sql,
    read: impl Fn(&Columns<'_>) -> Result<T, CorruptColumn>,
) -> Result<Vec<T>, CatalogError> {
    let rows = connection.rows_of(&sql.text, params_from_iter(&sql.values), read);
    rows.map_err(read_error)
}
