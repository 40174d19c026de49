//! The statements of the backlog of verifications, the same for both databases.

use nexus_raw::{
    asset::ByteSize,
    ports::{ScopeRecords, UnverifiedAsset, UnverifiedPlace},
    tenancy::{Scope, TenantId},
    time::Timestamp,
};

use crate::{
    error::CorruptColumn,
    listing::{Sql, Value},
    rows::Columns,
};

/// The largest page.
const MAX_PAGE: u32 = 1000;

/// Selects scopes with the number of their records.
pub(crate) fn scopes(tenant: Option<&TenantId>, after: Option<&Scope>, limit: u32) -> Sql {
    let mut sql = Sql::default();
    let head = "SELECT s.tenant_id, s.env, s.registered_count FROM scope s WHERE TRUE";
    sql.push(head, []);
    if let Some(tenant) = tenant {
        let tenant = Value::Text(tenant.as_str().to_owned());
        sql.push(" AND s.tenant_id = ?", [tenant]);
    }
    if let Some(after) = after {
        let after = Sql::of(" AND (s.tenant_id, s.env) > (?, ?)", after);
        sql.push(&after.text, after.values);
    }
    let order = format!(" ORDER BY s.tenant_id, s.env LIMIT {}", limit.min(MAX_PAGE));
    sql.push(&order, []);
    sql
}

/// Reads a row of [`scopes`].
pub(crate) fn scope_records(row: &Columns<'_>) -> Result<ScopeRecords, CorruptColumn> {
    Ok(ScopeRecords {
        scope: row.scope("scope.tenant_id", "scope.env")?,
        registered: row.unsigned("scope.registered_count")?,
    })
}

/// Selects a page of a scope's assets, which `from` names `a`, by the index of this order. Its bounds are those of the time
/// alone, so that both databases find them in the index of an expression; within one microsecond it
/// goes by the sequence.
pub(crate) fn unverified(
    from: &str,
    scope: &Scope,
    before: Timestamp,
    after: Option<UnverifiedPlace>,
    limit: u32,
) -> Sql {
    const SINCE: &str = "CASE WHEN a.verified_at IS NULL THEN a.imported_at ELSE a.verified_at END";
    let mut sql = Sql::of(
        &format!(
            "SELECT a.asset_id, a.registered_sequence, a.size_bytes, {SINCE} AS unverified_since \
             FROM {from} WHERE (a.tenant_id, a.env) = (?, ?) AND {SINCE} < ?"
        ),
        scope,
    );
    sql.values.push(Value::Integer(before.as_micros()));
    if let Some(after) = after {
        let since = Value::Integer(after.since.as_micros());
        let sequence = i64::try_from(after.sequence).unwrap_or(i64::MAX);
        sql.push(
            &format!(" AND {SINCE} >= ? AND ({SINCE} > ? OR a.registered_sequence > ?)"),
            [since.clone(), since, Value::Integer(sequence)],
        );
    }
    let order = format!(
        " ORDER BY {SINCE}, a.registered_sequence LIMIT {}",
        limit.min(MAX_PAGE)
    );
    sql.push(&order, []);
    sql
}

/// Reads a row of [`unverified`].
pub(crate) fn unverified_asset(row: &Columns<'_>) -> Result<UnverifiedAsset, CorruptColumn> {
    const SIZE: &str = "asset.size_bytes";
    Ok(UnverifiedAsset {
        asset_id: row.asset_id("asset.asset_id")?,
        place: UnverifiedPlace {
            since: row.timestamp("asset.unverified_since")?,
            sequence: row.unsigned("asset.registered_sequence")?,
        },
        size_bytes: ByteSize::parse(row.unsigned(SIZE)?).map_err(|_| CorruptColumn(SIZE))?,
    })
}
