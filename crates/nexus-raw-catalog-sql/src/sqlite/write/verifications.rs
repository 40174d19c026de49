//! Verifications: what reading the object of a registered asset again has shown.

use std::collections::BTreeMap;

use nexus_raw::{
    asset::{AssetId, ByteSize, Verdict},
    ports::VerificationOutcome,
    tenancy::Scope,
};
use serde::Serialize;
use sqlx::{Row, SqliteConnection};
use uuid::fmt::Simple;

use crate::{
    backend::WriteError,
    sqlite::{
        fault::{read_error, write_error},
        parameters::{keys_json, rows_json},
    },
    writer::RecordedVerification,
};

/// Reads the state of each asset; no row where it is not registered.
pub(super) const STANDING: &str = "
    SELECT k.key, a.last_fact, a.verdict, iif(i.work_owner IS NULL, NULL, i.work_epoch)
    FROM json_each(?1) k
    CROSS JOIN asset a ON a.tenant_id = k.value ->> 0 AND a.env = k.value ->> 1
        AND a.asset_id = unhex(k.value ->> 2)
    CROSS JOIN upload_intent i
        ON (i.tenant_id, i.env, i.asset_id) = (a.tenant_id, a.env, a.asset_id)";

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
pub(super) async fn decide<'a>(
    connection: &mut SqliteConnection,
    verifications: &[&'a RecordedVerification],
) -> Result<Decided<'a>, WriteError> {
    if verifications.is_empty() {
        return Ok(Decided::default());
    }
    let standing = standing(connection, verifications).await?;
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
async fn standing(
    connection: &mut SqliteConnection,
    verifications: &[&RecordedVerification],
) -> Result<Vec<Option<VerifiedState>>, WriteError> {
    let keys = verifications
        .iter()
        .map(|it| (&it.new.scope, it.new.asset_id));
    let rows = sqlx::query(STANDING)
        .bind(keys_json(keys))
        .fetch_all(connection)
        .await
        .map_err(write_error)?;
    let mut standing = vec![None; verifications.len()];
    for row in &rows {
        let read = || {
            let index: i64 = row.try_get(0)?;
            let last_fact: Option<i64> = row.try_get(1)?;
            let verdict: Option<&str> = row.try_get(2)?;
            let epoch: Option<i64> = row.try_get(3)?;
            let known = VerifiedState {
                last_fact: last_fact.map(i64::cast_unsigned),
                is_denied: verdict.is_some_and(|it| it != Verdict::Intact.as_str()),
                epoch: epoch.map(i64::cast_unsigned),
            };
            Ok::<_, sqlx::Error>((usize::try_from(index).ok(), known))
        };
        let (index, known) = read().map_err(read_error)?;
        if let Some(standing) = index.and_then(|index| standing.get_mut(index)) {
            *standing = Some(known);
        }
    }
    Ok(standing)
}

pub(super) const APPLY: &str = "
    UPDATE asset SET
        verdict = k.value ->> 'verdict',
        verified_at = k.value ->> 'verified_at',
        found_sha256 = unhex(k.value ->> 'found_sha256'),
        found_size_bytes = k.value ->> 'found_size_bytes'
    FROM json_each(?1) k
    WHERE asset.tenant_id = k.value ->> 'tenant_id' AND asset.env = k.value ->> 'env'
        AND asset.asset_id = unhex(k.value ->> 'asset_id')";

#[derive(Serialize)]
struct VerificationRow<'a> {
    tenant_id: &'a str,
    env: &'a str,
    asset_id: Simple,
    verdict: &'static str,
    verified_at: i64,
    found_sha256: Option<String>,
    found_size_bytes: Option<u64>,
}

impl<'a> VerificationRow<'a> {
    fn of(it: &'a RecordedVerification) -> Self {
        let new = &*it.new;
        let verification = &new.verification;
        Self {
            tenant_id: new.scope.tenant.as_str(),
            env: new.scope.environment.as_str(),
            asset_id: new.asset_id.as_uuid().simple(),
            verdict: verification.verdict().as_str(),
            verified_at: verification.verified_at().as_micros(),
            found_sha256: verification.sha256().map(ToString::to_string),
            found_size_bytes: verification.size_bytes().map(ByteSize::get),
        }
    }
}

/// Makes the last verification of each asset its latest one.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    written: &[(&RecordedVerification, i64)],
) -> Result<(), WriteError> {
    if written.is_empty() {
        return Ok(());
    }
    let last = written
        .iter()
        .map(|(it, _)| ((&it.new.scope, it.new.asset_id), *it));
    let last: BTreeMap<_, _> = last.collect();
    let applied = sqlx::query(APPLY)
        .bind(rows_json(last.into_values().map(VerificationRow::of)))
        .execute(connection)
        .await;
    applied.map(|_| ()).map_err(write_error)
}
