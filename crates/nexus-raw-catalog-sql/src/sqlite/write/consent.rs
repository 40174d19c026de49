//! Changes of consent on their way to the descendants.
//!
//! A withdrawal makes each child false. Once no withdrawal is under way, each child of an asset that
//! became true is looked at, and becomes true if its own statement and all parents are. So the
//! column is only ever true too long while the scope is `withdrawing`, and each asset changes at most
//! once per withdrawal and once per restoration (docs/adr/0061-consent-follows-in-steps.md).

use nexus_raw::{asset::AssetId, tenancy::Scope};
use rusqlite::params;

use crate::{
    backend::WriteError,
    rows::decode,
    sqlite::{connection::SqliteConnection, fault::write_error, parameters::rows_json},
    writer::ConsentStep,
};

/// The maximum number of waves of a step, each of which reaches one level.
const WAVES: usize = 8;

/// The maximum number of assets whose children one wave looks at.
const FRONT: u32 = 256;

/// How many assets a step looks at for each that it may change.
const LOOKED_AT: u32 = 4;

/// Notes that the children have to follow the withdrawal of an asset that was allowed.
pub(super) const NOTE_WITHDRAWAL: &str = "
    INSERT INTO consent_change (tenant_id, env, is_withdrawal, asset_id, after_sequence)
    SELECT a.tenant_id, a.env, 1, a.asset_id, 0 FROM asset a
    WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = ?3 AND a.train_ok_effective
        AND EXISTS (SELECT 1 FROM lineage_edge e
            WHERE (e.tenant_id, e.env, e.parent_id) = (a.tenant_id, a.env, a.asset_id))
    ON CONFLICT DO UPDATE SET after_sequence = 0";

pub(super) const WITHDRAW: &str = "
    UPDATE asset SET train_ok_effective = 0
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3 AND train_ok_effective";

/// Notes that an asset itself has to be looked at.
pub(super) const NOTE_RESTORATION: &str = "
    INSERT INTO consent_change (tenant_id, env, is_withdrawal, asset_id, after_sequence)
    SELECT a.tenant_id, a.env, 0, a.asset_id, -1 FROM asset a
    WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = ?3 AND NOT a.train_ok_effective
    ON CONFLICT DO UPDATE SET after_sequence = -1";

/// Begins the change that the own statement of an asset makes, and returns whether there is more to
/// do for it.
pub(super) fn change(
    connection: &mut SqliteConnection,
    (scope, asset): (&Scope, AssetId),
    allowed: bool,
) -> Result<bool, WriteError> {
    let statements: &[&'static str] = if allowed {
        &[NOTE_RESTORATION]
    } else {
        &[NOTE_WITHDRAWAL, WITHDRAW]
    };
    let mut noted = None;
    for sql in statements {
        let of = params![
            scope.tenant.as_str(),
            scope.environment.as_str(),
            asset.as_uuid().into_bytes(),
        ];
        let changed = connection.execute(sql, of).map_err(write_error)?;
        noted.get_or_insert(changed > 0);
    }
    note_scope(connection, scope)?;
    Ok(noted == Some(true))
}

pub(super) const NOTE_SCOPE: &str = "
    UPDATE scope SET
        withdrawing = EXISTS (SELECT 1 FROM consent_change c
            WHERE c.tenant_id = ?1 AND c.env = ?2 AND c.is_withdrawal = 1),
        restoring = EXISTS (SELECT 1 FROM consent_change c
            WHERE c.tenant_id = ?1 AND c.env = ?2 AND c.is_withdrawal = 0)
    WHERE tenant_id = ?1 AND env = ?2
    RETURNING withdrawing, restoring";

/// Sets what the scope is doing, and returns whether it withdraws and whether it restores.
fn note_scope(connection: &mut SqliteConnection, scope: &Scope) -> Result<[bool; 2], WriteError> {
    let of = params![scope.tenant.as_str(), scope.environment.as_str()];
    let noted = connection.row(NOTE_SCOPE, of, |row| {
        let withdrawing = decode::flag(row, "scope.withdrawing")?;
        Ok([withdrawing, decode::flag(row, "scope.restoring")?])
    });
    Ok(noted.map_err(write_error)?.unwrap_or_default())
}

/// Takes a step, and returns whether there is more to do.
pub(super) fn advance(
    connection: &mut SqliteConnection,
    ConsentStep { scope, max_changes }: &ConsentStep,
) -> Result<bool, WriteError> {
    let mut left = *max_changes;
    let mut unseen = max_changes.saturating_mul(LOOKED_AT);
    let [mut withdrawing, mut restoring] = note_scope(connection, scope)?;
    for _ in 0..WAVES {
        if left == 0 || unseen == 0 || !(withdrawing || restoring) {
            break;
        }
        let wave = wave(connection, scope, withdrawing, left)?;
        left = left.saturating_sub(wave.changed);
        unseen = unseen.saturating_sub(wave.looked_at);
        [withdrawing, restoring] = note_scope(connection, scope)?;
    }
    Ok(withdrawing || restoring)
}

pub(super) const FRONT_OF: &str = "
    SELECT c.asset_id, c.after_sequence FROM consent_change c
    WHERE c.tenant_id = ?1 AND c.env = ?2 AND c.is_withdrawal = ?3
    ORDER BY c.asset_id LIMIT ?4";

pub(super) const CHILDREN: &str = "
    SELECT c.asset_id, e.child_id, e.registered_sequence FROM consent_change c
    CROSS JOIN lineage_edge e INDEXED BY lineage_edge_by_parent
        ON (e.tenant_id, e.env, e.parent_id) = (c.tenant_id, c.env, c.asset_id)
        AND e.registered_sequence > c.after_sequence
    WHERE c.tenant_id = ?1 AND c.env = ?2 AND c.is_withdrawal = ?3 AND c.asset_id <= ?4
        AND c.after_sequence >= 0
    ORDER BY c.asset_id, e.registered_sequence LIMIT ?5";

pub(super) const REMOVE: &str = "
    DELETE FROM consent_change
    WHERE tenant_id = ?1 AND env = ?2 AND is_withdrawal = ?3 AND asset_id <= ?4";

pub(super) const REMOVE_THESE: &str = "
    DELETE FROM consent_change
    WHERE tenant_id = ?1 AND env = ?2 AND is_withdrawal = ?3
        AND asset_id IN (SELECT unhex(k.value) FROM json_each(?4) k)";

pub(super) const KEEP: &str = "
    INSERT INTO consent_change (tenant_id, env, is_withdrawal, asset_id, after_sequence)
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// Makes false what is true.
pub(super) const MAKE_FALSE: &str = "
    UPDATE asset SET train_ok_effective = 0
    WHERE rowid IN (
        SELECT a.rowid FROM json_each(?3) k
        CROSS JOIN asset a ON a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = unhex(k.value)
        WHERE a.train_ok_effective
    )
    RETURNING asset_id";

/// Makes true what is false and neither withheld by itself nor by a parent.
pub(super) const MAKE_TRUE: &str = "
    UPDATE asset SET train_ok_effective = 1
    WHERE rowid IN (
        SELECT a.rowid FROM json_each(?3) k
        CROSS JOIN asset a ON a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = unhex(k.value)
        WHERE NOT a.train_ok_effective AND coalesce(a.stated_train_ok, a.train_ok)
            AND NOT EXISTS (
                SELECT 1 FROM lineage_edge e
                CROSS JOIN asset p
                    ON (p.tenant_id, p.env, p.asset_id) = (e.tenant_id, e.env, e.parent_id)
                WHERE (e.tenant_id, e.env, e.child_id) = (a.tenant_id, a.env, a.asset_id)
                    AND NOT p.train_ok_effective)
    )
    RETURNING asset_id";

/// Notes what has children to follow.
pub(super) const NOTE: &str = "
    INSERT INTO consent_change (tenant_id, env, is_withdrawal, asset_id, after_sequence)
    SELECT ?1, ?2, ?3, unhex(k.value), 0 FROM json_each(?4) k
    WHERE EXISTS (SELECT 1 FROM lineage_edge e
        WHERE e.tenant_id = ?1 AND e.env = ?2 AND e.parent_id = unhex(k.value))
    ON CONFLICT DO UPDATE SET after_sequence = 0";

/// What a wave did, as numbers of assets.
struct Wave {
    looked_at: u32,
    changed: u32,
}

/// Changes at most `left` assets.
fn wave(
    connection: &mut SqliteConnection,
    scope: &Scope,
    is_withdrawal: bool,
    left: u32,
) -> Result<Wave, WriteError> {
    let (tenant, environment) = (scope.tenant.as_str(), scope.environment.as_str());
    let front = params![tenant, environment, is_withdrawal, FRONT];
    let front = connection.rows(FRONT_OF, front, |row| {
        let asset: Vec<u8> = row.get("consent_change.asset_id")?;
        Ok((asset, row.get::<i64>("consent_change.after_sequence")?))
    });
    let mut themselves = Vec::new();
    let mut last = Vec::new();
    for (asset, after) in front.map_err(write_error)? {
        if after < 0 {
            themselves.push(asset.clone());
        }
        last = asset;
    }
    let limit = usize::try_from(left).unwrap_or(usize::MAX);
    themselves.truncate(limit);
    let candidates = if themselves.is_empty() {
        children(connection, scope, is_withdrawal, &last, limit)?
    } else {
        let ids = rows_json(themselves.iter().map(hex::encode));
        let these = params![tenant, environment, is_withdrawal, ids];
        let removed = connection.execute(REMOVE_THESE, these);
        removed.map_err(write_error)?;
        themselves
    };
    let looked_at = count(candidates.len());
    let candidates = rows_json(candidates.iter().map(hex::encode));
    let sql = if is_withdrawal { MAKE_FALSE } else { MAKE_TRUE };
    let candidates = params![tenant, environment, candidates];
    let changed = connection.rows(sql, candidates, |row| row.get("asset.asset_id"));
    let ids: Vec<Vec<u8>> = changed.map_err(write_error)?;
    let noted = rows_json(ids.iter().map(hex::encode));
    let noted = params![tenant, environment, is_withdrawal, noted];
    connection.execute(NOTE, noted).map_err(write_error)?;
    Ok(Wave {
        looked_at,
        changed: count(ids.len()),
    })
}

/// Takes up to `limit` children of the assets up to `last`.
fn children(
    connection: &mut SqliteConnection,
    scope: &Scope,
    is_withdrawal: bool,
    last: &[u8],
    limit: usize,
) -> Result<Vec<Vec<u8>>, WriteError> {
    let (tenant, environment) = (scope.tenant.as_str(), scope.environment.as_str());
    let at_most = i64::try_from(limit).unwrap_or(i64::MAX);
    let up_to = params![tenant, environment, is_withdrawal, last, at_most];
    // the children of the last one may not be complete
    let mut unfinished = None;
    let children = connection.rows(CHILDREN, up_to, |row| {
        let parent: Vec<u8> = row.get("consent_change.asset_id")?;
        let sequence: i64 = row.get("lineage_edge.registered_sequence")?;
        unfinished = Some((parent, sequence));
        row.get("lineage_edge.child_id")
    });
    let children: Vec<Vec<u8>> = children.map_err(write_error)?;
    let unfinished = unfinished.filter(|_| children.len() >= limit);
    let up_to = unfinished.as_ref().map_or(last, |(parent, _)| parent);
    let removed = params![tenant, environment, is_withdrawal, up_to];
    connection.execute(REMOVE, removed).map_err(write_error)?;
    if let Some((parent, sequence)) = &unfinished {
        let kept = params![tenant, environment, is_withdrawal, parent, sequence];
        connection.execute(KEEP, kept).map_err(write_error)?;
    }
    Ok(children)
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
