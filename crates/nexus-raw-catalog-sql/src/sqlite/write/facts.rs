//! Facts, and what they change.

use std::collections::BTreeSet;

use nexus_raw::{
    asset::{AssetId, FactKind, FactValue, PiiFlags, Reason},
    ports::FactOutcome,
    tenancy::{Environment, Scope, TenantId, UserId},
};
use serde::Serialize;
use sqlx::{Row, SqliteConnection};
use uuid::fmt::Simple;

use super::consent;
use crate::{
    backend::WriteError,
    sqlite::{
        fault::{read_error, write_error},
        parameters::{keys_json, rows_json},
    },
    writer::RecordedFact,
};

/// Reads the last fact of each asset; no row where it is not registered.
pub(super) const LAST: &str = "
    SELECT k.key, a.last_fact
    FROM json_each(?1) k
    CROSS JOIN asset a ON a.tenant_id = k.value ->> 0 AND a.env = k.value ->> 1
        AND a.asset_id = unhex(k.value ->> 2)";

/// Decides which facts are written, and returns the outcome of each other one. Of those of one asset
/// the first is written, since the others are based on what it changes.
pub(super) async fn decide(
    connection: &mut SqliteConnection,
    facts: &[&RecordedFact],
) -> Result<Vec<Option<FactOutcome>>, WriteError> {
    if facts.is_empty() {
        return Ok(Vec::new());
    }
    let keys = facts.iter().map(|it| (&it.new.scope, it.new.asset_id));
    let rows = sqlx::query(LAST)
        .bind(keys_json(keys))
        .fetch_all(connection)
        .await
        .map_err(write_error)?;
    let mut outcomes = vec![Some(FactOutcome::UnknownAsset); facts.len()];
    let mut changed: BTreeSet<(&Scope, AssetId)> = BTreeSet::new();
    for row in &rows {
        let read = || Ok::<(i64, Option<i64>), sqlx::Error>((row.try_get(0)?, row.try_get(1)?));
        let (index, last) = read().map_err(read_error)?;
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let (Some(fact), Some(outcome)) = (facts.get(index), outcomes.get_mut(index)) else {
            continue;
        };
        let is_current = last.map(i64::cast_unsigned) == fact.new.last_fact;
        let is_written = is_current && changed.insert((&fact.new.scope, fact.new.asset_id));
        *outcome = (!is_written).then_some(FactOutcome::Changed);
    }
    Ok(outcomes)
}

const INSERT: &str = "
    INSERT INTO stated_fact (tenant_id, env, sequence, asset_id, kind, value, reason,
        evidence_sha256, stated_at, stated_by)
    SELECT value ->> 'tenant_id', value ->> 'env', value ->> 'sequence',
        unhex(value ->> 'asset_id'), value ->> 'kind', value ->> 'value', value ->> 'reason',
        unhex(value ->> 'evidence_sha256'), value ->> 'stated_at', value ->> 'stated_by'
    FROM json_each(?1);

    INSERT INTO fact_in_force (tenant_id, env, asset_id, kind, sequence)
    SELECT value ->> 'tenant_id', value ->> 'env', unhex(value ->> 'asset_id'), value ->> 'kind',
        value ->> 'sequence'
    FROM json_each(?1) WHERE true
    ON CONFLICT DO UPDATE SET sequence = excluded.sequence";

/// Separate from [`INSERT`], so that its plan can be checked.
pub(super) const APPLY: &str = "
    UPDATE asset SET
        last_fact = k.value ->> 'sequence',
        stated_train_ok = coalesce(k.value ->> 'train_ok', stated_train_ok),
        stated_pii_flags = coalesce(k.value ->> 'pii_flags', stated_pii_flags)
    FROM json_each(?1) k
    WHERE asset.tenant_id = k.value ->> 'tenant_id' AND asset.env = k.value ->> 'env'
        AND asset.asset_id = unhex(k.value ->> 'asset_id')";

#[derive(Serialize)]
struct FactRow<'a> {
    tenant_id: &'a TenantId,
    env: &'a Environment,
    sequence: i64,
    asset_id: Simple,
    kind: FactKind,
    value: String,
    reason: Option<&'a Reason>,
    evidence_sha256: Option<String>,
    stated_at: i64,
    stated_by: &'a UserId,
    train_ok: Option<bool>,
    pii_flags: Option<&'a PiiFlags>,
}

impl<'a> FactRow<'a> {
    fn of(it: &'a RecordedFact, sequence: i64) -> Self {
        let new = &*it.new;
        let fact = &new.fact;
        Self {
            tenant_id: &new.scope.tenant,
            env: &new.scope.environment,
            sequence,
            asset_id: new.asset_id.as_uuid().simple(),
            kind: fact.kind(),
            // our own values always serialize; the schema would refuse the empty default
            value: serde_json::to_string(&fact.value).unwrap_or_default(),
            reason: fact.reason.as_ref(),
            evidence_sha256: fact.evidence_sha256.map(|it| it.to_string()),
            stated_at: new.event.occurred_at.as_micros(),
            stated_by: &new.event.user_id,
            train_ok: match fact.value {
                FactValue::TrainOk(train_ok) => Some(train_ok),
                _ => None,
            },
            pii_flags: match &fact.value {
                FactValue::PiiFlags(flags) => Some(flags),
                _ => None,
            },
        }
    }
}

/// Writes facts, each with the sequence of its event, and returns their outcomes.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    facts: &[(&RecordedFact, i64)],
) -> Result<Vec<FactOutcome>, WriteError> {
    if facts.is_empty() {
        return Ok(Vec::new());
    }
    let rows = rows_json(
        facts
            .iter()
            .map(|(it, sequence)| FactRow::of(it, *sequence)),
    );
    for sql in [INSERT, APPLY] {
        let written = sqlx::query(sql).bind(&rows).execute(&mut *connection).await;
        written.map_err(write_error)?;
    }
    let mut outcomes = Vec::with_capacity(facts.len());
    for (it, sequence) in facts {
        let new = &*it.new;
        let mut has_followers = false;
        match &new.fact.value {
            FactValue::TrainOk(allowed) => {
                let asset = (&new.scope, new.asset_id);
                has_followers = consent::change(connection, asset, *allowed).await?;
            }
            FactValue::Labels(labels) => {
                replace_labels(connection, it, &rows_json(labels.as_map())).await?;
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

async fn replace_labels(
    connection: &mut SqliteConnection,
    fact: &RecordedFact,
    labels: &str,
) -> Result<(), WriteError> {
    let scope = &fact.new.scope;
    for sql in [RETIRE_LABELS, REMOVE_LABELS, STATE_LABELS] {
        let mut query = sqlx::query(sql)
            .bind(scope.tenant.as_str())
            .bind(scope.environment.as_str())
            .bind(fact.new.asset_id.as_uuid().as_bytes().to_vec());
        if sql == STATE_LABELS {
            query = query.bind(labels);
        }
        query.execute(&mut *connection).await.map_err(write_error)?;
    }
    Ok(())
}
