use std::collections::{BTreeMap, BTreeSet};

use nexus_raw::{
    asset::{Sha256Digest, UploadIntent},
    ports::{CallerKey, CatalogError, KeyClaim},
    tenancy::Scope,
    time::Timestamp,
};
use rusqlite::params;

use super::intents;
use crate::{
    backend::WriteError,
    error::CorruptColumn,
    object_store::ObjectStoreIdentity,
    sqlite::{connection::SqliteConnection, fault::write_error},
    writer::{IntentKey, IntentOutcome, NewIntent},
};

/// An intent with its key.
type Keyed<'a> = (&'a IntentKey, &'a NewIntent);

/// Writes the intents, and the keys of those that have one. An intent is not written if its key was
/// in use when the transaction began, or if an earlier member of the group takes the key.
///
/// The transaction holds the write lock, so no key changes between its read and its write. A group
/// without keys skips both.
pub(super) fn record(
    connection: &mut SqliteConnection,
    store: &ObjectStoreIdentity,
    intents: &[&NewIntent],
) -> Result<Vec<IntentOutcome>, WriteError> {
    let keyed = keyed(intents);
    if keyed.is_empty() {
        return intents::insert(connection, store, &promises(intents));
    }
    let mut taken = keys_in_use(connection, &keyed)?;
    let mut outcomes = vec![IntentOutcome::KeyStands; intents.len()];
    let mut free = Vec::with_capacity(intents.len());
    let mut places = Vec::with_capacity(intents.len());
    for (it, place) in intents.iter().zip(&mut outcomes) {
        if it.key.as_ref().is_none_or(|key| taken.insert(&key.caller)) {
            free.push(*it);
            places.push(place);
        }
    }
    let written = intents::insert(connection, store, &promises(&free))?;
    let mut recorded = Vec::with_capacity(free.len());
    for ((it, place), outcome) in free.into_iter().zip(places).zip(written) {
        *place = outcome;
        if outcome == IntentOutcome::Recorded {
            recorded.push(it);
        }
    }
    insert(connection, &self::keyed(&recorded))?;
    let mut latest: BTreeMap<&Scope, (Timestamp, i64)> = BTreeMap::new();
    for (key, new) in &keyed {
        let now = new.intent.requested_at;
        let (at, new_keys) = latest.entry(&key.caller.scope).or_insert((now, 0));
        *at = now.max(*at);
        *new_keys += 1;
    }
    for (scope, (at, new_keys)) in latest {
        remove_ended(connection, scope, at, new_keys)?;
    }
    Ok(outcomes)
}

fn promises<'a>(intents: &[&'a NewIntent]) -> Vec<&'a UploadIntent> {
    intents.iter().map(|it| &it.intent).collect()
}

fn keyed<'a>(intents: &[&'a NewIntent]) -> Vec<Keyed<'a>> {
    let keyed = intents.iter().map(|it| it.key.as_deref().zip(Some(*it)));
    keyed.flatten().collect()
}

pub(super) const KEYS_IN_USE: &str = "
    SELECT 1 FROM idempotency i
    WHERE i.tenant_id = ?1 AND i.env = ?2 AND i.user_id = ?3 AND i.route = ?4
        AND i.idempotency_key = ?5 AND i.ends_at > ?6 AND NOT EXISTS (
        SELECT 1 FROM upload_intent a
        WHERE a.tenant_id = i.tenant_id AND a.env = i.env AND a.asset_id = i.asset_id
            AND a.state = 'aborted'
    )";

/// Returns those of the keys that are in use.
fn keys_in_use<'a>(
    connection: &mut SqliteConnection,
    keyed: &[Keyed<'a>],
) -> Result<BTreeSet<&'a CallerKey>, WriteError> {
    let mut taken = BTreeSet::new();
    for (IntentKey { caller, .. }, new) in keyed {
        let key = params![
            caller.scope.tenant.as_str(),
            caller.scope.environment.as_str(),
            caller.user.as_str(),
            caller.route,
            caller.key.digest().to_string(),
            new.intent.requested_at.as_micros(),
        ];
        if connection.has_row(KEYS_IN_USE, key).map_err(write_error)? {
            taken.insert(caller);
        }
    }
    Ok(taken)
}

// An existing row has expired or is that of an aborted upload, or the key would be in use.
const INSERT: &str = "
    INSERT INTO idempotency (
        tenant_id, env, user_id, route, idempotency_key, body_digest, asset_id, ends_at
    )
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (tenant_id, env, user_id, route, idempotency_key) DO UPDATE SET
        body_digest = excluded.body_digest, asset_id = excluded.asset_id,
        ends_at = excluded.ends_at
    WHERE idempotency.ends_at < excluded.ends_at OR EXISTS (
        SELECT 1 FROM upload_intent a
        WHERE a.tenant_id = idempotency.tenant_id AND a.env = idempotency.env
            AND a.asset_id = idempotency.asset_id AND a.state = 'aborted'
    )";

/// Writes the keys, each with its request digest and asset id.
fn insert(connection: &mut SqliteConnection, keyed: &[Keyed<'_>]) -> Result<(), WriteError> {
    for (
        IntentKey {
            caller,
            body_digest,
        },
        new,
    ) in keyed
    {
        let row = params![
            caller.scope.tenant.as_str(),
            caller.scope.environment.as_str(),
            caller.user.as_str(),
            caller.route,
            caller.key.digest().to_string(),
            body_digest.as_bytes(),
            new.intent.asset_id.as_uuid().into_bytes(),
            new.intent.ends_at.as_micros(),
        ];
        if connection.execute(INSERT, row).map_err(write_error)? != 1 {
            return Err(CatalogError::from(CorruptColumn("idempotency.ends_at")).into());
        }
    }
    Ok(())
}

pub(super) const ENDED: &str = "
    DELETE FROM idempotency
    WHERE (tenant_id, env, user_id, route, idempotency_key) IN (
        SELECT i.tenant_id, i.env, i.user_id, i.route, i.idempotency_key
        FROM idempotency i INDEXED BY idempotency_by_end
        WHERE i.tenant_id = ?1 AND i.env = ?2 AND i.ends_at < ?3
        LIMIT ?4
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
pub(super) fn claim(
    connection: &mut SqliteConnection,
    claim: &KeyClaim,
) -> Result<Sha256Digest, WriteError> {
    let key = &claim.key;
    let digest = key.key.digest().to_string();
    let (tenant, environment) = (key.scope.tenant.as_str(), key.scope.environment.as_str());
    let user = key.user.as_str();
    let row = params![
        tenant,
        environment,
        user,
        key.route,
        digest,
        claim.body_digest.as_bytes(),
        claim.ends_at.as_micros(),
        claim.claimed_at.as_micros(),
    ];
    connection.execute(CLAIM, row).map_err(write_error)?;
    let of = params![tenant, environment, user, key.route, digest];
    let standing = connection.only(CLAIMED, of, |row| row.digest("idempotency.body_digest"));
    let standing = standing.map_err(write_error)?;
    remove_ended(connection, &key.scope, claim.claimed_at, 1)?;
    Ok(standing)
}

/// Removes two keys of the scope for each new one, if they expired an hour ago, which covers clock
/// changes.
fn remove_ended(
    connection: &mut SqliteConnection,
    scope: &Scope,
    now: Timestamp,
    new_keys: i64,
) -> Result<(), WriteError> {
    let of = params![
        scope.tenant.as_str(),
        scope.environment.as_str(),
        now.as_micros() - 3_600_000_000,
        2 * new_keys,
    ];
    connection.execute(ENDED, of).map_err(write_error)?;
    Ok(())
}
