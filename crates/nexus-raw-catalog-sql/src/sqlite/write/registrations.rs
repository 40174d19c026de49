use nexus_raw::{
    asset::AssetId,
    ports::{CatalogError, NewAsset},
    tenancy::Scope,
};
use sqlx::SqliteConnection;

use super::assets::{self, NewRecord};
use crate::{
    backend::WriteError,
    error::CorruptColumn,
    registration::{self, Decisions, KnownState},
    sqlite::{fault::write_error, parameters::keys_json, queries},
    writer::Registration,
};

/// Decides the outcome of each registration.
pub(super) async fn decide(
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
    let mut known = KnownState {
        intents: queries::intents(connection, keys_json(keys)).await?,
        ..KnownState::default()
    };
    if !parents.is_empty() {
        known.registered = queries::registered(connection, keys_json(parents)).await?;
    }
    registration::decide(&group, known)
        .map_err(|foreign| CatalogError::Corrupt(Box::new(foreign)).into())
}

pub(super) const MARK: &str = "
    UPDATE upload_intent SET state = ?2
    WHERE state = 'pending' AND rowid IN (
        SELECT i.rowid FROM json_each(?1) k
        CROSS JOIN upload_intent i ON i.tenant_id = k.value ->> 0 AND i.env = k.value ->> 1
            AND i.asset_id = unhex(k.value ->> 2)
    )";

/// Inserts the records, each with the sequence of its event, and marks their intents as registered.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    records: &[NewRecord<'_>],
) -> Result<(), WriteError> {
    if records.is_empty() {
        return Ok(());
    }
    let keys = records.iter().map(|it| &it.new.asset);
    let keys = keys.map(|it| (it.scope(), it.asset_id()));
    mark(connection, keys, "registered").await?;
    assets::insert(connection, records).await
}

/// Sets the state of these pending intents.
pub(super) async fn mark<'a>(
    connection: &mut SqliteConnection,
    keys: impl ExactSizeIterator<Item = (&'a Scope, AssetId)>,
    state: &'static str,
) -> Result<(), WriteError> {
    let count = keys.len();
    let marked = sqlx::query(MARK)
        .bind(keys_json(keys))
        .bind(state)
        .execute(connection)
        .await
        .map_err(write_error)?;
    if usize::try_from(marked.rows_affected()) == Ok(count) {
        Ok(())
    } else {
        Err(CatalogError::from(CorruptColumn("upload_intent.state")).into())
    }
}
