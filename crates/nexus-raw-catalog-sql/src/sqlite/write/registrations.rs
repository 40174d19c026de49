use nexus_raw::{
    asset::AssetId,
    ports::{CatalogError, IntentState, NewAsset},
    tenancy::Scope,
};
use rusqlite::params;

use super::assets::{self, NewRecord};
use crate::{
    backend::WriteError,
    error::CorruptColumn,
    registration::{self, AssetKey, Decisions, KnownState},
    sqlite::{connection::SqliteConnection, fault::write_error, queries},
    writer::Registration,
};

/// Decides the outcome of each registration. Returns also which of the intents were closed.
pub(super) fn decide(
    connection: &mut SqliteConnection,
    registrations: &[&Registration],
) -> Result<(Decisions, Vec<AssetKey>), WriteError> {
    if registrations.is_empty() {
        return Ok(<_>::default());
    }
    let group: Vec<&NewAsset> = registrations.iter().map(|it| &*it.new).collect();
    let assets = || group.iter().map(|new| &new.asset);
    let mut keys: Vec<_> = assets().map(|it| (it.scope(), it.asset_id())).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut parents: Vec<_> = assets()
        .flat_map(|it| {
            let parents = it.provenance().lineage.derived_from.as_slice();
            parents.iter().map(move |parent| (it.scope(), *parent))
        })
        .collect();
    parents.sort_unstable();
    parents.dedup();
    let mut known = KnownState::default();
    let mut closed = Vec::new();
    for (scope, asset) in keys {
        if let Some((state, is_closed)) = queries::intent_to_register(connection, scope, asset)? {
            let key = (scope.clone(), asset);
            if is_closed {
                closed.push(key.clone());
            }
            known.intents.insert(key, state);
        }
    }
    for (scope, parent) in parents {
        if let Some(effective) = queries::registered(connection, scope, parent)? {
            known.registered.insert((scope.clone(), parent), effective);
        }
    }
    // that of an import is written with the record
    for it in registrations {
        if let Some(intent) = &it.intent {
            let state = known.intents.entry(registration::key_of(&it.new));
            state.or_insert_with(|| IntentState::Pending((**intent).clone()));
        }
    }
    let decided = registration::decide(&group, known);
    let decided = decided.map_err(|foreign| CatalogError::Corrupt(Box::new(foreign)))?;
    Ok((decided, closed))
}

pub(super) const MARK: &str = "
    UPDATE upload_intent SET state = ?4
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3 AND state IN ('pending', 'ended')";

/// Inserts the records, each with the sequence of its event, and marks their intents as registered.
pub(super) fn insert(
    connection: &mut SqliteConnection,
    records: &[NewRecord<'_>],
) -> Result<(), WriteError> {
    if records.is_empty() {
        return Ok(());
    }
    let keys = records.iter().map(|it| &it.new.asset);
    let keys = keys.map(|it| (it.scope(), it.asset_id()));
    mark(connection, keys, "registered")?;
    assets::insert(connection, records)
}

/// Sets the state of these intents, which are pending or closed.
pub(super) fn mark<'a>(
    connection: &mut SqliteConnection,
    keys: impl Iterator<Item = (&'a Scope, AssetId)>,
    state: &'static str,
) -> Result<(), WriteError> {
    for (scope, asset) in keys {
        let of = params![
            scope.tenant.as_str(),
            scope.environment.as_str(),
            asset.as_uuid().into_bytes(),
            state,
        ];
        if connection.execute(MARK, of).map_err(write_error)? != 1 {
            return Err(CatalogError::from(CorruptColumn("upload_intent.state")).into());
        }
    }
    Ok(())
}
