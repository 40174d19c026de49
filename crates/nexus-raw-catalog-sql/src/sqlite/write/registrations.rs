use nexus_raw::{
    asset::AssetId,
    ports::{CatalogError, NewAsset},
    tenancy::Scope,
};
use rusqlite::params;

use super::assets::{self, NewRecord};
use crate::{
    backend::WriteError,
    error::CorruptColumn,
    registration::{self, Decisions, KnownState},
    sqlite::{connection::SqliteConnection, fault::write_error, queries},
    writer::Registration,
};

/// Decides the outcome of each registration.
pub(super) fn decide(
    connection: &mut SqliteConnection,
    registrations: &[&Registration],
) -> Result<Decisions, WriteError> {
    if registrations.is_empty() {
        return Ok(Decisions::default());
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
    for (scope, asset) in keys {
        if let Some(state) = queries::intent(connection, scope, asset)? {
            known.intents.insert((scope.clone(), asset), state);
        }
    }
    for (scope, parent) in parents {
        if let Some(effective) = queries::registered(connection, scope, parent)? {
            known.registered.insert((scope.clone(), parent), effective);
        }
    }
    registration::decide(&group, known)
        .map_err(|foreign| CatalogError::Corrupt(Box::new(foreign)).into())
}

pub(super) const MARK: &str = "
    UPDATE upload_intent SET state = ?4
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3 AND state = 'pending'";

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

/// Sets the state of these pending intents.
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
