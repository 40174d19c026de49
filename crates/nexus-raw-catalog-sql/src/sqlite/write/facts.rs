//! Facts, and what they change.

use std::collections::BTreeSet;

use nexus_raw::{
    asset::{AssetId, FactValue, Reason, Sha256Digest},
    ports::{FactOutcome, NewFact},
    tenancy::Scope,
};
use rusqlite::{Params, params};
use serde_json::json;

use super::consent;
use crate::{
    backend::WriteError,
    sqlite::{connection::SqliteConnection, fault::write_error, parameters::rows_json},
    writer::RecordedFact,
};

/// Reads the last fact of each asset; no row where it is not registered.
pub(super) const LAST: &str = "
    SELECT a.last_fact FROM asset a WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = ?3";

/// Decides which facts are written, and returns the outcome of each other one. Of those of one asset
/// the first is written, since the others are based on what it changes.
pub(super) fn decide(
    connection: &mut SqliteConnection,
    facts: &[&RecordedFact],
) -> Result<Vec<Option<FactOutcome>>, WriteError> {
    let mut outcomes = Vec::with_capacity(facts.len());
    let mut changed: BTreeSet<(&Scope, AssetId)> = BTreeSet::new();
    for fact in facts {
        let last = connection.row(LAST, key(fact), |row| row.optional("asset.last_fact"));
        let last: Option<Option<i64>> = last.map_err(write_error)?;
        let Some(last) = last else {
            outcomes.push(Some(FactOutcome::UnknownAsset));
            continue;
        };
        let is_current = last.map(i64::cast_unsigned) == fact.new.last_fact;
        let is_written = is_current && changed.insert((&fact.new.scope, fact.new.asset_id));
        outcomes.push((!is_written).then_some(FactOutcome::Changed));
    }
    Ok(outcomes)
}

/// The key of a fact's asset as the first three parameters of a statement.
fn key(fact: &RecordedFact) -> impl Params {
    let new = &fact.new;
    let (tenant, environment) = (new.scope.tenant.as_str(), new.scope.environment.as_str());
    (tenant, environment, new.asset_id.as_uuid().into_bytes())
}

const INSERT: &str = "
    INSERT INTO stated_fact (tenant_id, env, asset_id, sequence, kind, value, reason,
        evidence_sha256, stated_at, stated_by)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

const IN_FORCE: &str = "
    INSERT INTO fact_in_force (tenant_id, env, asset_id, sequence, kind)
    VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO UPDATE SET sequence = excluded.sequence";

pub(super) const APPLY: &str = "
    UPDATE asset SET
        last_fact = ?4,
        stated_train_ok = coalesce(?5, stated_train_ok),
        stated_pii_flags = coalesce(?6, stated_pii_flags)
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3";

/// Writes facts, each with the sequence of its event, and returns their outcomes.
pub(super) fn insert(
    connection: &mut SqliteConnection,
    facts: &[(&RecordedFact, i64)],
) -> Result<Vec<FactOutcome>, WriteError> {
    let mut outcomes = Vec::with_capacity(facts.len());
    for (it, sequence) in facts {
        let new = &*it.new;
        state(connection, new, *sequence)?;
        let mut has_followers = false;
        match &new.fact.value {
            FactValue::TrainOk(allowed) => {
                let asset = (&new.scope, new.asset_id);
                has_followers = consent::change(connection, asset, *allowed)?;
            }
            FactValue::Labels(labels) => {
                replace_labels(connection, it, &rows_json(labels.as_map()))?;
            }
            _ => {}
        }
        outcomes.push(FactOutcome::Recorded {
            sequence: sequence.unsigned_abs(),
            has_followers,
        });
    }
    Ok(outcomes)
}

/// Writes a fact and puts it in force.
fn state(
    connection: &mut SqliteConnection,
    new: &NewFact,
    sequence: i64,
) -> Result<(), WriteError> {
    let fact = &new.fact;
    let (tenant, environment) = (new.scope.tenant.as_str(), new.scope.environment.as_str());
    let asset = new.asset_id.as_uuid().into_bytes();
    let kind = fact.kind().as_str();
    let stated = params![
        tenant,
        environment,
        asset,
        sequence,
        kind,
        json!(fact.value).to_string(),
        fact.reason.as_ref().map(Reason::as_str),
        fact.evidence_sha256.as_ref().map(Sha256Digest::as_bytes),
        new.event.occurred_at.as_micros(),
        new.event.user_id.as_str(),
    ];
    connection.execute(INSERT, stated).map_err(write_error)?;
    let in_force = params![tenant, environment, asset, sequence, kind];
    let in_force = connection.execute(IN_FORCE, in_force);
    in_force.map_err(write_error)?;
    let (train_ok, pii_flags) = match &fact.value {
        FactValue::TrainOk(train_ok) => (Some(*train_ok), None),
        FactValue::PiiFlags(flags) => (None, Some(json!(flags).to_string())),
        _ => (None, None),
    };
    let applied = params![tenant, environment, asset, sequence, train_ok, pii_flags];
    connection.execute(APPLY, applied).map_err(write_error)?;
    Ok(())
}

pub(super) const RETIRE_LABELS: &str = "
    UPDATE asset_label SET in_force = 0
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3 AND is_registered";

pub(super) const REMOVE_LABELS: &str = "
    DELETE FROM asset_label
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3 AND NOT is_registered";

pub(super) const STATE_LABELS: &str = "
    INSERT INTO asset_label
        (tenant_id, env, asset_id, label, is_registered, value, registered_sequence)
    SELECT a.tenant_id, a.env, a.asset_id, k.value ->> 0, 0, k.value ->> 1, a.registered_sequence
    FROM asset a CROSS JOIN json_each(?4) k
    WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = ?3";

fn replace_labels(
    connection: &mut SqliteConnection,
    fact: &RecordedFact,
    labels: &str,
) -> Result<(), WriteError> {
    for sql in [RETIRE_LABELS, REMOVE_LABELS] {
        connection.execute(sql, key(fact)).map_err(write_error)?;
    }
    let stated = params![
        fact.new.scope.tenant.as_str(),
        fact.new.scope.environment.as_str(),
        fact.new.asset_id.as_uuid().into_bytes(),
        labels,
    ];
    let stated = connection.execute(STATE_LABELS, stated);
    stated.map_err(write_error)?;
    Ok(())
}
