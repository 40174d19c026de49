//! Reads of facts.

use nexus_raw::{
    asset::{AssetId, StatedFact},
    ports::{AssetFacts, CatalogError},
    tenancy::Scope,
};
use rusqlite::params;

use super::of_asset;
use crate::{
    rows::decode,
    sqlite::{connection::SqliteConnection, fault::read_error},
};

/// A row of `stated_fact f` as JSON.
macro_rules! fact_json {
    () => {
        "json_object('sequence', f.sequence, 'kind', f.kind, 'value', f.value,
            'reason', f.reason, 'evidence_sha256', nullif(lower(hex(f.evidence_sha256)), ''),
            'stated_at', f.stated_at, 'stated_by', f.stated_by)"
    };
}

/// See [`fact_json!`].
pub(crate) const FACT_JSON: &str = fact_json!();

pub(super) const FACTS_OF: &str = concat!(
    "SELECT ",
    fact_json!(),
    " AS fact FROM stated_fact f
    WHERE f.tenant_id = ?1 AND f.env = ?2 AND f.asset_id = ?3 AND f.sequence > ?4
    ORDER BY f.sequence LIMIT ?5"
);

/// With the refusals of the asset itself and its 10,000 nearest ancestors: a recursive query without
/// `ORDER BY` reads breadth first.
pub(super) const LATEST: &str = concat!(
    "SELECT a_store.bucket, ",
    effective!(),
    " AS effective,
    (SELECT json_group_array(json(",
    fact_json!(),
    ")) FROM fact_in_force k
        CROSS JOIN stated_fact f
            ON (f.tenant_id, f.env, f.sequence) = (k.tenant_id, k.env, k.sequence)
        WHERE (k.tenant_id, k.env, k.asset_id) = (a.tenant_id, a.env, a.asset_id)
    ) AS latest,
    (SELECT json_group_array(hex(k.id)) FROM (
        WITH RECURSIVE up (id) AS (
            SELECT ?3
            UNION
            SELECT e.parent_id FROM up CROSS JOIN lineage_edge e
                ON (e.tenant_id, e.env, e.child_id) = (?1, ?2, up.id)
            LIMIT 10001
        )
        SELECT up.id FROM up CROSS JOIN asset p ON (p.tenant_id, p.env, p.asset_id) = (?1, ?2, up.id)
        WHERE NOT coalesce(p.stated_train_ok, p.train_ok)
        LIMIT 100
    ) k) AS withheld_by, ",
    asset_columns!(),
    " FROM asset a JOIN object_store a_store USING (object_store_id)
    WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = ?3"
);

pub(super) const UNFINISHED: &str = "
    SELECT s.tenant_id, s.env FROM scope s INDEXED BY scope_in_change
    WHERE s.withdrawing OR s.restoring
    LIMIT ?1";

pub(in crate::sqlite) fn latest(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
) -> Result<Option<AssetFacts>, CatalogError> {
    of_asset(connection, LATEST, scope, asset, decode::asset_facts)
}

pub(in crate::sqlite) fn facts(
    connection: &mut SqliteConnection,
    scope: &Scope,
    asset: AssetId,
    after: u64,
    limit: u32,
) -> Result<Vec<StatedFact>, CatalogError> {
    // no fact has a sequence beyond the largest integer of SQLite
    let Ok(after) = i64::try_from(after) else {
        return Ok(Vec::new());
    };
    let of = params![
        scope.tenant.as_str(),
        scope.environment.as_str(),
        asset.as_uuid().into_bytes(),
        after,
        limit,
    ];
    let facts = connection.rows(FACTS_OF, of, decode::stated_fact);
    facts.map_err(read_error)
}

pub(in crate::sqlite) fn unfinished(
    connection: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<Scope>, CatalogError> {
    let scopes = connection.rows(UNFINISHED, [limit], |row| {
        row.scope("scope.tenant_id", "scope.env")
    });
    scopes.map_err(read_error)
}
