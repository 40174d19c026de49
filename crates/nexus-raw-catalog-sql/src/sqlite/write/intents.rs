use std::collections::BTreeSet;

use nexus_raw::{
    asset::{BucketName, ByteSize, ContentType, Filename, ObjectKey, Sha256Digest},
    ports::CatalogError,
    tenancy::{Environment, Scope, TenantId, UserId},
};
use serde::Serialize;
use sqlx::SqliteConnection;
use uuid::fmt::Simple;

use crate::{
    backend::WriteError,
    error::CorruptColumn,
    object_store::ObjectStoreIdentity,
    registration::AssetKey,
    rows::{
        Columns,
        encode::{kind, upload_id},
    },
    sqlite::{fault::write_error, parameters::rows_json},
    writer::{IntentOutcome, NewIntent},
};

// The first intent of a scope or of an object store creates its row. Scopes are few, and have a
// parameter of their own, since each use of a parameter reads its text anew.
const INSERT: &str = "
    INSERT INTO scope (tenant_id, env)
    SELECT value ->> 0, value ->> 1 FROM json_each(?1) WHERE true
    ON CONFLICT DO NOTHING;

    INSERT INTO object_store (endpoint, region, bucket)
    SELECT ?2, ?3, value ->> 2 FROM json_each(?1) WHERE true
    ON CONFLICT DO NOTHING;

    INSERT INTO scope_log (tenant_id, env, from_sequence, log_id, object_store_id)
    SELECT value ->> 0, value ->> 1, 1, randomblob(16), o.object_store_id
    FROM json_each(?1) JOIN object_store o
        ON o.endpoint = ?2 AND o.region = ?3 AND o.bucket = value ->> 2
    WHERE NOT EXISTS (SELECT 1 FROM scope_log l
        WHERE l.tenant_id = value ->> 0 AND l.env = value ->> 1)
    GROUP BY value ->> 0, value ->> 1;

    WITH row AS MATERIALIZED (SELECT value FROM json_each(?4))
    INSERT INTO upload_intent (
        tenant_id, env, asset_id, kind, part_size_bytes, upload_id, object_store_id, key_layout,
        filename, content_type, size_bytes, sha256, requested_by, requested_at, ends_at
    )
    SELECT
        value ->> 'tenant_id', value ->> 'env', unhex(value ->> 'asset_id'),
        value ->> 'kind', value ->> 'part_size_bytes', value ->> 'upload_id',
        (SELECT object_store_id FROM object_store
            WHERE endpoint = ?2 AND region = ?3 AND bucket = value ->> 'bucket'),
        ?5, value ->> 'filename', value ->> 'content_type', value ->> 'size_bytes',
        unhex(value ->> 'sha256'), value ->> 'requested_by', value ->> 'requested_at',
        value ->> 'ends_at'
    FROM row WHERE true
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, env, asset_id";

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
        .bind(scopes(intents))
        .bind(store.endpoint.as_deref().unwrap_or_default())
        .bind(store.region.as_str())
        .bind(rows(intents))
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
        // of two members with one id the first is written
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

/// Returns each scope and bucket once.
fn scopes(intents: &[&NewIntent]) -> String {
    let scopes: BTreeSet<(&Scope, &BucketName)> = intents
        .iter()
        .map(|it| (&it.intent.scope, &it.intent.address.bucket))
        .collect();
    let rows = scopes.into_iter();
    rows_json(rows.map(|(scope, bucket)| (&scope.tenant, &scope.environment, bucket)))
}

fn rows(intents: &[&NewIntent]) -> String {
    let rows = intents.iter().map(|NewIntent { intent, .. }| IntentRow {
        tenant_id: &intent.scope.tenant,
        env: &intent.scope.environment,
        asset_id: intent.asset_id.as_uuid().simple(),
        kind: kind(intent),
        part_size_bytes: intent.multipart.as_ref().map(|it| it.part_size_bytes),
        upload_id: upload_id(intent),
        bucket: &intent.address.bucket,
        filename: &intent.facts.filename,
        content_type: &intent.facts.content_type,
        size_bytes: intent.facts.size_bytes,
        sha256: intent.facts.sha256,
        requested_by: &intent.requested_by,
        requested_at: intent.requested_at.as_micros(),
        ends_at: intent.ends_at.as_micros(),
    });
    rows_json(rows)
}

#[derive(Serialize)]
struct IntentRow<'a> {
    tenant_id: &'a TenantId,
    env: &'a Environment,
    asset_id: Simple,
    kind: &'static str,
    part_size_bytes: Option<ByteSize>,
    upload_id: Option<&'a str>,
    bucket: &'a BucketName,
    filename: &'a Filename,
    content_type: &'a ContentType,
    size_bytes: ByteSize,
    sha256: Option<Sha256Digest>,
    requested_by: &'a UserId,
    requested_at: i64,
    ends_at: i64,
}
