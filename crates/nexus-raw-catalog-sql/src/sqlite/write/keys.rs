use std::collections::{BTreeMap, BTreeSet};

use nexus_raw::{
    asset::Sha256Digest,
    ports::{CallerKey, CatalogError, KeyClaim},
    tenancy::{Environment, Scope, TenantId},
    time::Timestamp,
};
use serde::Serialize;
use sqlx::SqliteConnection;

use super::intents;
use crate::{
    backend::WriteError,
    error::CorruptColumn,
    object_store::ObjectStoreIdentity,
    rows::Columns,
    sqlite::{fault::write_error, parameters::rows_json},
    writer::{IntentKey, IntentOutcome, NewIntent},
};

/// An intent with its key.
type Keyed<'a> = (&'a IntentKey, &'a NewIntent);

/// Writes the intents, and the keys of those that have one. An intent is not written if its key was
/// in use when the transaction began, or if an earlier member of the group takes the key.
///
/// The transaction holds the write lock, so no key changes between its read and its write. A group
/// without keys skips both.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    store: &ObjectStoreIdentity,
    intents: &[&NewIntent],
) -> Result<Vec<IntentOutcome>, WriteError> {
    let keyed = keyed(intents);
    if keyed.is_empty() {
        return intents::insert(connection, store, intents).await;
    }
    let mut taken = keys_in_use(connection, &keyed).await?;
    let mut outcomes = vec![IntentOutcome::KeyStands; intents.len()];
    let mut free = Vec::with_capacity(intents.len());
    let mut places = Vec::with_capacity(intents.len());
    for (it, place) in intents.iter().zip(&mut outcomes) {
        if it.key.as_ref().is_none_or(|key| taken.insert(&key.caller)) {
            free.push(*it);
            places.push(place);
        }
    }
    let written = intents::insert(connection, store, &free).await?;
    let mut recorded = Vec::with_capacity(free.len());
    for ((it, place), outcome) in free.into_iter().zip(places).zip(written) {
        *place = outcome;
        if outcome == IntentOutcome::Recorded {
            recorded.push(it);
        }
    }
    insert(connection, &self::keyed(&recorded)).await?;
    let mut latest: BTreeMap<&Scope, Timestamp> = BTreeMap::new();
    for (key, new) in &keyed {
        let at = latest
            .entry(&key.caller.scope)
            .or_insert(new.intent.requested_at);
        *at = new.intent.requested_at.max(*at);
    }
    remove_ended(connection, latest, keyed.len()).await?;
    Ok(outcomes)
}

fn keyed<'a>(intents: &[&'a NewIntent]) -> Vec<Keyed<'a>> {
    let keyed = intents.iter().map(|it| it.key.as_deref().zip(Some(*it)));
    keyed.flatten().collect()
}

pub(super) const KEYS_IN_USE: &str = "
    SELECT k.key FROM json_each(?1) k
    CROSS JOIN idempotency i ON i.tenant_id = k.value ->> 0 AND i.env = k.value ->> 1
        AND i.user_id = k.value ->> 2 AND i.route = k.value ->> 3
        AND i.idempotency_key = k.value ->> 4
    WHERE i.ends_at > k.value ->> 5 AND NOT EXISTS (
        SELECT 1 FROM upload_intent a
        WHERE a.tenant_id = i.tenant_id AND a.env = i.env AND a.asset_id = i.asset_id
            AND a.state = 'aborted'
    )";

/// Returns those of the keys that are in use.
async fn keys_in_use<'a>(
    connection: &mut SqliteConnection,
    keyed: &[Keyed<'a>],
) -> Result<BTreeSet<&'a CallerKey>, WriteError> {
    let rows = keyed.iter().map(|(IntentKey { caller, .. }, new)| {
        (
            &caller.scope.tenant,
            &caller.scope.environment,
            &caller.user,
            caller.route,
            caller.key.digest(),
            new.intent.requested_at.as_micros(),
        )
    });
    let places: Vec<i64> = sqlx::query_scalar(KEYS_IN_USE)
        .bind(rows_json(rows))
        .fetch_all(connection)
        .await
        .map_err(write_error)?;
    let places = places.into_iter().filter_map(|it| usize::try_from(it).ok());
    let keys = places.filter_map(|place| keyed.get(place));
    Ok(keys.map(|(key, _)| &key.caller).collect())
}

// An existing row has expired or is that of an aborted upload, or the key would be in use.
const INSERT: &str = "
    WITH row AS MATERIALIZED (SELECT value FROM json_each(?1))
    INSERT INTO idempotency (
        tenant_id, env, user_id, route, idempotency_key, body_digest, asset_id, ends_at
    )
    SELECT
        value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, unhex(value ->> 5),
        unhex(value ->> 6), value ->> 7
    FROM row WHERE true
    ON CONFLICT (tenant_id, env, user_id, route, idempotency_key) DO UPDATE SET
        body_digest = excluded.body_digest, asset_id = excluded.asset_id,
        ends_at = excluded.ends_at
    WHERE idempotency.ends_at < excluded.ends_at OR EXISTS (
        SELECT 1 FROM upload_intent a
        WHERE a.tenant_id = idempotency.tenant_id AND a.env = idempotency.env
            AND a.asset_id = idempotency.asset_id AND a.state = 'aborted'
    )";

/// Writes the keys, each with its request digest and asset id.
async fn insert(connection: &mut SqliteConnection, keyed: &[Keyed<'_>]) -> Result<(), WriteError> {
    if keyed.is_empty() {
        return Ok(());
    }
    let rows = keyed.iter().map(
        |(
            IntentKey {
                caller,
                body_digest,
            },
            new,
        )| {
            (
                &caller.scope.tenant,
                &caller.scope.environment,
                &caller.user,
                caller.route,
                caller.key.digest(),
                body_digest,
                new.intent.asset_id.as_uuid().simple(),
                new.intent.ends_at.as_micros(),
            )
        },
    );
    let written = sqlx::query(INSERT)
        .bind(rows_json(rows))
        .execute(connection)
        .await
        .map_err(write_error)?;
    if usize::try_from(written.rows_affected()) == Ok(keyed.len()) {
        Ok(())
    } else {
        Err(CatalogError::from(CorruptColumn("idempotency.ends_at")).into())
    }
}

pub(super) const ENDED: &str = "
    DELETE FROM idempotency
    WHERE (tenant_id, env, user_id, route, idempotency_key) IN (
        SELECT i.tenant_id, i.env, i.user_id, i.route, i.idempotency_key
        FROM json_each(?1) k
        CROSS JOIN idempotency i INDEXED BY idempotency_by_end
            ON i.tenant_id = k.value ->> 'tenant_id' AND i.env = k.value ->> 'env'
            AND i.ends_at < k.value ->> 'before'
        LIMIT ?2
    )";

pub(super) const CLAIM: &str = "
    INSERT INTO idempotency (
        tenant_id, env, user_id, route, idempotency_key, body_digest, ends_at
    )
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (tenant_id, env, user_id, route, idempotency_key) DO UPDATE SET
        body_digest = excluded.body_digest, ends_at = excluded.ends_at
    WHERE idempotency.ends_at <= ?8";

pub(super) const CLAIMED: &str = "
    SELECT body_digest FROM idempotency
    WHERE tenant_id = ?1 AND env = ?2 AND user_id = ?3 AND route = ?4 AND idempotency_key = ?5";

/// Binds a key to a batch, and returns the digest that it is bound to.
pub(super) async fn claim(
    connection: &mut SqliteConnection,
    claim: &KeyClaim,
) -> Result<Sha256Digest, WriteError> {
    let key = &claim.key;
    let digest = key.key.digest().to_string();
    sqlx::query(CLAIM)
        .bind(key.scope.tenant.as_str())
        .bind(key.scope.environment.as_str())
        .bind(key.user.as_str())
        .bind(key.route)
        .bind(&digest)
        .bind(&claim.body_digest.as_bytes()[..])
        .bind(claim.ends_at.as_micros())
        .bind(claim.claimed_at.as_micros())
        .execute(&mut *connection)
        .await
        .map_err(write_error)?;
    let row = sqlx::query(CLAIMED)
        .bind(key.scope.tenant.as_str())
        .bind(key.scope.environment.as_str())
        .bind(key.user.as_str())
        .bind(key.route)
        .bind(&digest)
        .fetch_one(&mut *connection)
        .await
        .map_err(write_error)?;
    let standing = Columns(&row).digest("idempotency.body_digest");
    let standing = standing.map_err(CatalogError::from)?;
    let latest = BTreeMap::from([(&key.scope, claim.claimed_at)]);
    remove_ended(connection, latest, 1).await?;
    Ok(standing)
}

#[derive(Serialize)]
struct Ended<'a> {
    tenant_id: &'a TenantId,
    env: &'a Environment,
    before: i64,
}

/// Removes two keys for each new one, if they expired an hour ago, which covers clock changes.
async fn remove_ended(
    connection: &mut SqliteConnection,
    latest: BTreeMap<&Scope, Timestamp>,
    new_keys: usize,
) -> Result<(), WriteError> {
    let rows = latest.into_iter().map(|(scope, at)| Ended {
        tenant_id: &scope.tenant,
        env: &scope.environment,
        before: at.as_micros() - 3_600_000_000,
    });
    let removed = sqlx::query(ENDED)
        .bind(rows_json(rows))
        .bind(i64::try_from(2 * new_keys).unwrap_or(i64::MAX))
        .execute(connection)
        .await;
    removed.map(|_| ()).map_err(write_error)
}
