use std::collections::BTreeMap;

use nexus_raw::{
    asset::{BucketName, ByteSize, ObjectKey, Sha256Digest, UploadIntent},
    tenancy::Scope,
};
use rusqlite::params;

use crate::{
    backend::WriteError,
    object_store::ObjectStoreIdentity,
    rows::{
        Columns,
        encode::{kind, upload_id},
    },
    sqlite::{connection::SqliteConnection, fault::write_error},
    writer::IntentOutcome,
};

/// The object store of a scope that has a log.
pub(super) const STORE: &str = "
    SELECT o.object_store_id FROM object_store o
    WHERE o.endpoint = ?1 AND o.region = ?2 AND o.bucket = ?3
        AND EXISTS (SELECT 1 FROM scope_log l WHERE l.tenant_id = ?4 AND l.env = ?5)";

/// The first intent of a scope or of an object store creates its row.
const NEW_SCOPE: &str = "INSERT INTO scope (tenant_id, env) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const NEW_STORE: &str = "
    INSERT INTO object_store (endpoint, region, bucket) VALUES (?1, ?2, ?3)
    ON CONFLICT DO NOTHING";
const NEW_LOG: &str = "
    INSERT INTO scope_log (tenant_id, env, from_sequence, log_id, object_store_id)
    SELECT ?4, ?5, 1, randomblob(16), o.object_store_id FROM object_store o
    WHERE o.endpoint = ?1 AND o.region = ?2 AND o.bucket = ?3
        AND NOT EXISTS (SELECT 1 FROM scope_log l WHERE l.tenant_id = ?4 AND l.env = ?5)";

const INSERT: &str = "
    INSERT INTO upload_intent (
        tenant_id, env, asset_id, kind, part_size_bytes, upload_id, object_store_id, key_layout,
        filename, content_type, size_bytes, sha256, requested_by, requested_at, ends_at
    )
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
    ON CONFLICT DO NOTHING";

/// Writes the intents whose asset ids are new. Of two with one id the first is written.
pub(super) fn insert(
    connection: &mut SqliteConnection,
    store: &ObjectStoreIdentity,
    intents: &[&UploadIntent],
) -> Result<Vec<IntentOutcome>, WriteError> {
    let mut stores: BTreeMap<(&Scope, &BucketName), i64> = BTreeMap::new();
    let mut outcomes = Vec::with_capacity(intents.len());
    for intent in intents {
        let of = (&intent.scope, &intent.address.bucket);
        let store_id = match stores.get(&of) {
            Some(known) => *known,
            None => *stores.entry(of).or_insert(store_of(connection, store, of)?),
        };
        let row = params![
            intent.scope.tenant.as_str(),
            intent.scope.environment.as_str(),
            intent.asset_id.as_uuid().into_bytes(),
            kind(intent),
            intent.multipart.as_ref().map(|it| size(it.part_size_bytes)),
            upload_id(intent),
            store_id,
            ObjectKey::LAYOUT,
            intent.facts.filename.as_str(),
            intent.facts.content_type.as_str(),
            size(intent.facts.size_bytes),
            intent.facts.sha256.as_ref().map(Sha256Digest::as_bytes),
            intent.requested_by.as_str(),
            intent.requested_at.as_micros(),
            intent.ends_at.as_micros(),
        ];
        let written = connection.execute(INSERT, row).map_err(write_error)?;
        outcomes.push(if written == 1 {
            IntentOutcome::Recorded
        } else {
            IntentOutcome::AlreadyExists
        });
    }
    Ok(outcomes)
}

/// Returns the id of the object store, which has a row afterwards, as its scope has.
fn store_of(
    connection: &mut SqliteConnection,
    store: &ObjectStoreIdentity,
    (scope, bucket): (&Scope, &BucketName),
) -> Result<i64, WriteError> {
    let endpoint = store.endpoint.as_deref().unwrap_or_default();
    let (region, bucket) = (store.region.as_str(), bucket.as_str());
    let (tenant, environment) = (scope.tenant.as_str(), scope.environment.as_str());
    let of = params![endpoint, region, bucket, tenant, environment];
    let id = |row: &Columns<'_>| row.get("object_store.object_store_id");
    if let Some(known) = connection.row(STORE, of, id).map_err(write_error)? {
        return Ok(known);
    }
    let new_scope = connection.execute(NEW_SCOPE, params![tenant, environment]);
    new_scope.map_err(write_error)?;
    let new_store = connection.execute(NEW_STORE, params![endpoint, region, bucket]);
    new_store.map_err(write_error)?;
    connection.execute(NEW_LOG, of).map_err(write_error)?;
    connection.only(STORE, of, id).map_err(write_error)
}

/// Converts a size, which is below 2^53.
pub(super) fn size(size: ByteSize) -> i64 {
    i64::try_from(size.get()).unwrap_or(i64::MAX)
}
