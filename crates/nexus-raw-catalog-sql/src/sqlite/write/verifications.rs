//! Verifications: what reading the object of a registered asset again has shown.

use std::collections::BTreeMap;

use nexus_raw::{
    asset::{AssetId, Verdict},
    ports::VerificationOutcome,
    tenancy::Scope,
};
use rusqlite::params;

use super::intents::size;
use crate::{
    backend::WriteError,
    sqlite::{connection::SqliteConnection, fault::write_error},
    writer::RecordedVerification,
};

/// Reads the state of each asset; no row where it is not registered.
pub(super) const STANDING: &str = "
    SELECT a.last_fact, a.verdict, iif(i.work_owner IS NULL, NULL, i.work_epoch) AS epoch
    FROM asset a
    CROSS JOIN upload_intent i
        ON (i.tenant_id, i.env, i.asset_id) = (a.tenant_id, a.env, a.asset_id)
    WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = ?3";

/// What is known of a registered asset for a verification.
#[derive(Debug, Clone)]
struct VerifiedState {
    last_fact: Option<u64>,
    is_denied: bool,
    /// The epoch of the claim, if there is one.
    epoch: Option<u64>,
}

/// The verifications of a group.
#[derive(Debug, Default)]
pub(super) struct Decided<'a> {
    pub(super) outcomes: Vec<VerificationOutcome>,
    /// Those that are written, each with the change of the number of corrupt assets.
    pub(super) written: Vec<(&'a RecordedVerification, i64)>,
}

/// Decides which verifications are written, in their order, as if each had its own transaction.
pub(super) fn decide<'a>(
    connection: &mut SqliteConnection,
    verifications: &[&'a RecordedVerification],
) -> Result<Decided<'a>, WriteError> {
    if verifications.is_empty() {
        return Ok(Decided::default());
    }
    let standing = standing(connection, verifications)?;
    let mut denied: BTreeMap<(&Scope, AssetId), bool> = BTreeMap::new();
    let mut decided = Decided::default();
    for (it, standing) in verifications.iter().zip(&standing) {
        let new = &it.new;
        let outcome = match standing {
            None => VerificationOutcome::UnknownAsset,
            Some(known) if new.epoch.is_some() && known.epoch != new.epoch => {
                VerificationOutcome::ClaimLost
            }
            Some(known) if known.last_fact != new.last_fact => VerificationOutcome::Changed,
            Some(known) => {
                let was = denied.entry((&new.scope, new.asset_id));
                let was = was.or_insert(known.is_denied);
                let is = new.verification.verdict() != Verdict::Intact;
                decided.written.push((it, i64::from(is) - i64::from(*was)));
                *was = is;
                VerificationOutcome::Recorded
            }
        };
        decided.outcomes.push(outcome);
    }
    Ok(decided)
}

/// Returns what is known of the asset of each verification, if it is registered.
fn standing(
    connection: &mut SqliteConnection,
    verifications: &[&RecordedVerification],
) -> Result<Vec<Option<VerifiedState>>, WriteError> {
    let mut all = Vec::with_capacity(verifications.len());
    for it in verifications {
        let key = params![
            it.new.scope.tenant.as_str(),
            it.new.scope.environment.as_str(),
            it.new.asset_id.as_uuid().into_bytes(),
        ];
        let known = connection.row(STANDING, key, |row| {
            let last_fact: Option<i64> = row.optional("asset.last_fact")?;
            let verdict: Option<&str> = row.optional("asset.verdict")?;
            let epoch: Option<i64> = row.optional("upload_intent.epoch")?;
            Ok(VerifiedState {
                last_fact: last_fact.map(i64::cast_unsigned),
                is_denied: verdict.is_some_and(|it| it != Verdict::Intact.as_str()),
                epoch: epoch.map(i64::cast_unsigned),
            })
        });
        all.push(known.map_err(write_error)?);
    }
    Ok(all)
}

pub(super) const APPLY: &str = "
    UPDATE asset SET verdict = ?4, verified_at = ?5, found_sha256 = ?6, found_size_bytes = ?7
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3";

/// Makes the last verification of each asset its latest one.
pub(super) fn apply(
    connection: &mut SqliteConnection,
    written: &[(&RecordedVerification, i64)],
) -> Result<(), WriteError> {
    for (it, _) in written {
        let verification = &it.new.verification;
        let latest = params![
            it.new.scope.tenant.as_str(),
            it.new.scope.environment.as_str(),
            it.new.asset_id.as_uuid().into_bytes(),
            verification.verdict().as_str(),
            verification.verified_at().as_micros(),
            verification.sha256().as_ref().map(|it| it.as_bytes()),
            verification.size_bytes().map(size),
        ];
        connection.execute(APPLY, latest).map_err(write_error)?;
    }
    Ok(())
}
