//! Leases of work on objects, and the digests that come of hashing.

use std::time::Duration;

use nexus_raw::{
    ports::{Lease, WorkClaim},
    time::Timestamp,
};
use rusqlite::{ToSql, params};
use uuid::Uuid;

use crate::{
    backend::WriteError,
    error::CorruptColumn,
    rows::Columns,
    sqlite::{connection::SqliteConnection, fault::write_error},
    writer::{WorkAnswer, WorkPurpose, WorkRequest, WorkStep},
};

pub(super) const CLAIM_STATE: &str = "
    SELECT i.state, i.work_owner, i.work_until, 0 AS object_digest, d.sha256
    FROM upload_intent i
    LEFT JOIN object_digest d ON d.tenant_id = i.tenant_id AND d.env = i.env
        AND d.asset_id = i.asset_id AND d.etag = ?4 AND d.version_id IS ?5
    WHERE i.tenant_id = ?1 AND i.env = ?2 AND i.asset_id = ?3";

pub(super) const CLAIM: &str = "
    UPDATE upload_intent SET work_owner = ?4, work_until = ?5, work_epoch = work_epoch + 1
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3
    RETURNING work_epoch, work_until";

pub(super) const RENEW: &str = "
    UPDATE upload_intent SET work_until = ?5
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3
        AND work_epoch = ?4 AND work_owner IS NOT NULL";

pub(super) const RELEASE: &str = "
    UPDATE upload_intent SET work_owner = NULL, work_until = NULL
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3
        AND work_epoch = ?4 AND work_owner IS NOT NULL";

const RECORD: &str = "
    INSERT INTO object_digest (tenant_id, env, asset_id, etag, version_id, sha256, ends_at)
    SELECT i.tenant_id, i.env, i.asset_id, ?4, ?5, ?6, i.ends_at FROM upload_intent i
    WHERE i.tenant_id = ?1 AND i.env = ?2 AND i.asset_id = ?3
    ON CONFLICT (tenant_id, env, asset_id) DO UPDATE SET
        etag = excluded.etag, version_id = excluded.version_id, sha256 = excluded.sha256";

/// Removes two digests that expired an hour ago, which covers clock changes. Runs with each claim.
pub(super) const ENDED: &str = "
    DELETE FROM object_digest WHERE (tenant_id, env, asset_id) IN (
        SELECT d.tenant_id, d.env, d.asset_id FROM object_digest d INDEXED BY object_digest_by_end
        WHERE d.tenant_id = ?1 AND d.env = ?2 AND d.ends_at < ?3
        LIMIT 2
    )";

/// Ends every claim, at open, when all holders are gone.
pub(in crate::sqlite) const END_CLAIMS: &str = "
    UPDATE upload_intent INDEXED BY upload_intent_in_work
    SET work_owner = NULL, work_until = NULL WHERE work_owner IS NOT NULL AND work_until > 0";

/// Does one step of a worker.
pub(super) fn step(
    connection: &mut SqliteConnection,
    request: &WorkRequest,
) -> Result<WorkAnswer, WriteError> {
    let (tenant, environment) = (
        request.scope.tenant.as_str(),
        request.scope.environment.as_str(),
    );
    let asset = request.asset_id.as_uuid().into_bytes();
    let mut one = |sql, values: &[&dyn ToSql]| {
        let changed = connection.execute(sql, values);
        changed.map(|rows| rows == 1).map_err(write_error)
    };
    Ok(match &request.step {
        WorkStep::Claim {
            purpose,
            owner,
            now,
            ttl,
        } => {
            let claimed = claim(connection, request, purpose, *owner, *now, *ttl);
            WorkAnswer::Claim(claimed?)
        }
        WorkStep::Renew { epoch, now, ttl } => {
            let until = now.saturating_add(*ttl).as_micros();
            let renewed = params![tenant, environment, asset, epoch.cast_signed(), until];
            WorkAnswer::Done(one(RENEW, renewed)?)
        }
        WorkStep::Release { epoch } => {
            let released = params![tenant, environment, asset, epoch.cast_signed()];
            WorkAnswer::Done(one(RELEASE, released)?)
        }
        WorkStep::Record {
            object,
            epoch,
            digest,
        } => {
            let released = params![tenant, environment, asset, epoch.cast_signed()];
            let is_held = one(RELEASE, released)?;
            if is_held {
                let known = params![
                    tenant,
                    environment,
                    asset,
                    object.etag,
                    object.version_id,
                    digest.as_bytes(),
                ];
                one(RECORD, known)?;
            }
            WorkAnswer::Done(is_held)
        }
    })
}

fn claim(
    connection: &mut SqliteConnection,
    request: &WorkRequest,
    purpose: &WorkPurpose,
    owner: Uuid,
    now: Timestamp,
    ttl: Duration,
) -> Result<WorkClaim, WriteError> {
    let (tenant, environment) = (
        request.scope.tenant.as_str(),
        request.scope.environment.as_str(),
    );
    let asset = request.asset_id.as_uuid().into_bytes();
    // without a tag no digest is found
    let hashing = purpose.hashing();
    let object = params![
        tenant,
        environment,
        asset,
        hashing.map(|it| it.etag.as_str()),
        hashing.and_then(|it| it.version_id.as_deref()),
    ];
    let refusal = |row: &Columns<'_>| refusal(row, purpose, now);
    let refusal = connection.row(CLAIM_STATE, object, refusal);
    // without an intent there is nothing to claim
    let refusal = refusal
        .map_err(write_error)?
        .unwrap_or(Some(WorkClaim::Closed));
    if let Some(refusal) = refusal {
        return Ok(refusal);
    }
    let ended = params![tenant, environment, now.as_micros() - 3_600_000_000];
    connection.execute(ENDED, ended).map_err(write_error)?;
    let until = now.saturating_add(ttl).as_micros();
    let wish = params![tenant, environment, asset, owner.as_bytes(), until];
    let taken = connection.only(CLAIM, wish, |row| {
        Ok(Lease {
            epoch: row.unsigned("upload_intent.work_epoch")?,
            until: row.timestamp("upload_intent.work_until")?,
        })
    });
    Ok(WorkClaim::Taken(taken.map_err(write_error)?))
}

/// Returns why the asset's object cannot be claimed, or `None` if it can.
fn refusal(
    row: &Columns<'_>,
    purpose: &WorkPurpose,
    now: Timestamp,
) -> Result<Option<WorkClaim>, CorruptColumn> {
    if row.optional::<Vec<u8>>("object_digest.sha256")?.is_some() {
        let digest = row.digest("object_digest.sha256")?;
        return Ok(Some(WorkClaim::Known(digest)));
    }
    if row.text("upload_intent.state", |state| {
        let is_registered = state == "registered";
        Ok::<_, CorruptColumn>(state == "aborted" || is_registered != purpose.is_of_record())
    })? {
        return Ok(Some(WorkClaim::Closed));
    }
    if row
        .optional::<Vec<u8>>("upload_intent.work_owner")?
        .is_none()
    {
        return Ok(None);
    }
    let until = row.timestamp("upload_intent.work_until")?;
    Ok((until > now).then_some(WorkClaim::Held { until }))
}
