use nexus_raw::{asset::CapturedAt, ports::NewAsset};
use serde_json::json;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, query_builder::Separated};

use crate::{
    backend::WriteError,
    sqlite::{fault::write_error, parameters::rows_json},
};

/// A record, the sequence of its event, and whether it and all its ancestors allow training.
pub(super) struct NewRecord<'a> {
    pub(super) new: &'a NewAsset,
    pub(super) sequence: i64,
    pub(super) train_ok_effective: bool,
}

// Facts and place are the intent's. The rest is bound value by value and not as JSON, which SQLite
// reads numbers from with an error in the last digit.
const NEW: &str = "
    WITH new (
        tenant_id, env, asset_id, registered_sequence, captured_at, captured_offset_minutes,
        latitude, longitude, altitude_m, accuracy_m, source_uri, activity, pii_flags, train_ok,
        train_ok_effective, registered_by, imported_at, provenance_digest, integrity_level,
        integrity_version_id, integrity_etag
    ) AS (";

const INSERT: &str = ")
    INSERT INTO asset (
        tenant_id, env, asset_id, object_store_id, key_layout, filename, content_type,
        size_bytes, sha256, registered_sequence, captured_at, captured_offset_minutes, latitude,
        longitude, altitude_m, accuracy_m, source_uri, activity, pii_flags, train_ok,
        train_ok_effective, registered_by, imported_at, provenance_digest, integrity_level,
        integrity_version_id, integrity_etag
    )
    SELECT i.tenant_id, i.env, i.asset_id, i.object_store_id, i.key_layout, i.filename,
        i.content_type, i.size_bytes, i.sha256, new.registered_sequence, new.captured_at,
        new.captured_offset_minutes, new.latitude, new.longitude, new.altitude_m, new.accuracy_m,
        new.source_uri, new.activity, new.pii_flags, new.train_ok, new.train_ok_effective,
        new.registered_by, new.imported_at, new.provenance_digest, new.integrity_level,
        new.integrity_version_id, new.integrity_etag
    FROM new
    CROSS JOIN upload_intent i ON i.tenant_id = new.tenant_id AND i.env = new.env
        AND i.asset_id = new.asset_id";

/// Writes the records, their labels and their edges.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    records: &[NewRecord<'_>],
) -> Result<(), WriteError> {
    let mut insert = QueryBuilder::new(NEW);
    insert.push_values(records, |mut row, record| push_record(&mut row, record));
    insert.push(INSERT);
    // there is one text for each number of records, too many to keep prepared
    let inserted = insert.build().persistent(false).execute(&mut *connection);
    inserted.await.map_err(write_error)?;
    insert_details(connection, records).await
}

// in the order of `NEW`
fn push_record(row: &mut Separated<'_, Sqlite, &'static str>, record: &NewRecord<'_>) {
    let new = record.new;
    let parts = new.asset.parts();
    let provenance = &parts.provenance;
    let captured_at = provenance.captured_at;
    let location = provenance.capture_location;
    let lineage = &provenance.lineage;
    row.push_bind(parts.scope.tenant.to_string())
        .push_bind(parts.scope.environment.to_string())
        .push_bind(parts.asset_id.as_uuid().as_bytes().to_vec())
        .push_bind(record.sequence)
        .push_bind(captured_at.map(|it| it.at().as_micros()))
        .push_bind(captured_at.map(CapturedAt::offset_minutes))
        .push_bind(location.map(|it| it.latitude()))
        .push_bind(location.map(|it| it.longitude()))
        .push_bind(location.and_then(|it| it.altitude_m()))
        .push_bind(location.and_then(|it| it.accuracy_m()))
        .push_bind(lineage.source_uri.as_ref().map(ToString::to_string))
        .push_bind(lineage.activity.as_ref().map(ToString::to_string))
        .push_bind(json!(provenance.pii_flags).to_string())
        .push_bind(provenance.train_ok)
        .push_bind(record.train_ok_effective)
        .push_bind(parts.registered_by.to_string())
        .push_bind(parts.imported_at.as_micros())
        .push_bind(new.provenance_digest.as_bytes().to_vec())
        .push_bind(parts.integrity.level.as_str())
        .push_bind(parts.integrity.version_id.clone())
        .push_bind(parts.integrity.etag.clone());
}

const INSERT_DETAILS: &str = "
    INSERT INTO asset_label (tenant_id, env, asset_id, label, value)
    SELECT value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4
    FROM json_each(?1);

    INSERT INTO lineage_edge (tenant_id, env, child_id, position, parent_id)
    SELECT value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3, unhex(value ->> 4)
    FROM json_each(?2)";

async fn insert_details(
    connection: &mut SqliteConnection,
    records: &[NewRecord<'_>],
) -> Result<(), WriteError> {
    let mut labels = Vec::new();
    let mut edges = Vec::new();
    for NewRecord { new, .. } in records {
        let parts = new.asset.parts();
        let (tenant, environment) = (&parts.scope.tenant, &parts.scope.environment);
        let asset = parts.asset_id.as_uuid().simple();
        let stated = parts.provenance.labels.as_map().iter();
        labels.extend(stated.map(|(label, value)| (tenant, environment, asset, label, value)));
        let parents = parts.provenance.lineage.derived_from.as_slice().iter();
        edges.extend((0_u32..).zip(parents).map(|(position, parent)| {
            let parent = parent.as_uuid().simple();
            (tenant, environment, asset, position, parent)
        }));
    }
    if labels.is_empty() && edges.is_empty() {
        return Ok(());
    }
    let inserted = sqlx::query(INSERT_DETAILS)
        .bind(rows_json(labels))
        .bind(rows_json(edges))
        .execute(connection)
        .await;
    inserted.map(|_| ()).map_err(write_error)
}
