use std::collections::BTreeSet;

use nexus_raw::{asset::ObjectKey, ports::CatalogError};
use sqlx::SqliteConnection;

use crate::{
    backend::WriteError,
    error::CorruptColumn,
    object_store::ObjectStoreIdentity,
    registration::AssetKey,
    rows::Columns,
    sqlite::{fault::write_error, parameters::rows_json},
    writer::{IntentOutcome, NewIntent},
};

// Scopes and object stores come to be with the first intent that names them.
const INSERT: &str = r#"
    INSERT INTO scope (tenant_id, env)
    SELECT value ->> 0, value ->> 1 FROM json_each(?1) WHERE true
    ON CONFLICT DO NOTHING;

    INSERT INTO object_store (endpoint, region, bucket)
    SELECT ?2, ?3, value ->> 3 FROM json_each(?1) WHERE true
    ON CONFLICT DO NOTHING;

    WITH row AS MATERIALIZED (SELECT value FROM json_each(?1))
    INSERT INTO upload_intent (
        tenant_id, env, asset_id, object_store_id, key_layout, filename, content_type,
        size_bytes, sha256, requested_by, requested_at, ends_at
    )
    SELECT
        value ->> 0, value ->> 1, unhex(value ->> 2),
        (SELECT object_store_id FROM object_store
            WHERE endpoint = ?2 AND region = ?3 AND bucket = value ->> 3),
        ?4, value ->> 4, value ->> 5, value ->> 6, unhex(value ->> 7), value ->> 8,
        value ->> 9, value ->> 10
    FROM row WHERE true
    ON CONFLICT DO NOTHING
    RETURNING tenant_id AS "upload_intent.tenant_id", env AS "upload_intent.env",
        asset_id AS "upload_intent.asset_id""#;

/// Writes the intents whose asset ids are new.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    store: &ObjectStoreIdentity,
    intents: &[&NewIntent],
) -> Result<Vec<IntentOutcome>, WriteError> {
    if intents.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(INSERT)
        .bind(rows(intents))
        .bind(store.endpoint.as_deref().unwrap_or_default())
        .bind(store.region.as_str())
        .bind(ObjectKey::LAYOUT)
        .fetch_all(connection)
        .await
        .map_err(write_error)?;
    let mut written = rows
        .iter()
        .map(|row| key(&Columns(row)))
        .collect::<Result<BTreeSet<_>, _>>()
        .map_err(CatalogError::from)?;
    let outcomes = intents.iter().map(|it| {
        // of two of one id in a group the first is written
        if written.remove(&(it.intent.scope.clone(), it.intent.asset_id)) {
            IntentOutcome::Recorded
        } else {
            IntentOutcome::AlreadyExists
        }
    });
    Ok(outcomes.collect())
}

fn key(row: &Columns<'_>) -> Result<AssetKey, CorruptColumn> {
    let scope = row.scope("upload_intent.tenant_id", "upload_intent.env")?;
    Ok((scope, row.asset_id("upload_intent.asset_id")?))
}

fn rows(intents: &[&NewIntent]) -> String {
    let rows = intents.iter().map(|NewIntent { intent, .. }| {
        (
            &intent.scope.tenant,
            &intent.scope.environment,
            intent.asset_id.as_uuid().simple(),
            &intent.address.bucket,
            &intent.facts.filename,
            &intent.facts.content_type,
            intent.facts.size_bytes,
            intent.facts.sha256,
            &intent.requested_by,
            intent.requested_at.as_micros(),
            intent.ends_at.as_micros(),
        )
    });
    rows_json(rows)
}
