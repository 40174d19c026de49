use std::sync::LazyLock;

use nexus_raw::{asset::CapturedAt, ports::NewAsset};
use rusqlite::params;
use serde_json::json;

use crate::{
    backend::WriteError,
    sqlite::{connection::SqliteConnection, fault::write_error},
};

/// A record, the sequence of its event, and whether it and all its ancestors allow training.
pub(super) struct NewRecord<'a> {
    pub(super) new: &'a NewAsset,
    pub(super) sequence: i64,
    pub(super) train_ok_effective: bool,
}

/// The columns that are copied from the intent.
const OF_THE_INTENT: &str = "object_store_id, key_layout, filename, content_type, size_bytes";

/// Defines `STATED`, the names of columns, and `insert_stated`, which binds their values in that
/// order. The first three are the key.
macro_rules! stated {
    (|$record:ident, $asset:ident, $provenance:ident, $location:ident| $($column:ident: $value:expr,)+) => {
        const STATED: &[&str] = &[$(stringify!($column)),+];

        fn insert_stated(
            connection: &mut SqliteConnection,
            $record: &NewRecord<'_>,
        ) -> Result<usize, rusqlite::Error> {
            let $asset = &$record.new.asset;
            let $provenance = $asset.provenance();
            let $location = $provenance.capture_location;
            connection.execute(&INSERT, params![$($value),+])
        }
    };
}

stated! { |record, asset, provenance, location|
    tenant_id: asset.scope().tenant.as_str(),
    env: asset.scope().environment.as_str(),
    asset_id: asset.asset_id().as_uuid().into_bytes(),
    registered_sequence: record.sequence,
    sha256: asset.facts().sha256.as_bytes(),
    captured_at: provenance.captured_at.map(|it| it.at().as_micros()),
    captured_offset_minutes: provenance.captured_at.map(CapturedAt::offset_minutes),
    latitude: location.map(|it| it.latitude()),
    longitude: location.map(|it| it.longitude()),
    altitude_m: location.and_then(|it| it.altitude_m()),
    accuracy_m: location.and_then(|it| it.accuracy_m()),
    source_uri: provenance.lineage.source_uri.as_ref().map(ToString::to_string),
    activity: provenance.lineage.activity.as_ref().map(ToString::to_string),
    pii_flags: json!(provenance.pii_flags).to_string(),
    train_ok: provenance.train_ok,
    train_ok_effective: record.train_ok_effective,
    registered_by: asset.registered_by().as_str(),
    imported_at: asset.imported_at().as_micros(),
    provenance_digest: record.new.provenance_digest.as_bytes(),
    integrity_level: asset.integrity().level.as_str(),
    integrity_parts: asset.integrity().parts,
    integrity_version_id: asset.integrity().version_id.as_deref(),
    integrity_etag: asset.integrity().etag.as_str(),
}

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let stated = STATED.join(", ");
    let values: Vec<_> = (1..=STATED.len()).map(|it| format!("?{it}")).collect();
    let values = values.join(", ");
    format!(
        "INSERT INTO asset ({stated}, {OF_THE_INTENT})
        SELECT {values}, {OF_THE_INTENT} FROM upload_intent i
        WHERE i.tenant_id = ?1 AND i.env = ?2 AND i.asset_id = ?3"
    )
});

const LABEL: &str = "
    INSERT INTO asset_label (tenant_id, env, asset_id, registered_sequence, label, value)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

const EDGE: &str = "
    INSERT INTO lineage_edge (tenant_id, env, child_id, registered_sequence, position, parent_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Inserts the records, their labels and their edges.
pub(super) fn insert(
    connection: &mut SqliteConnection,
    records: &[NewRecord<'_>],
) -> Result<(), WriteError> {
    for record in records {
        insert_stated(connection, record).map_err(write_error)?;
        insert_details(connection, record).map_err(write_error)?;
    }
    Ok(())
}

fn insert_details(
    connection: &mut SqliteConnection,
    NewRecord { new, sequence, .. }: &NewRecord<'_>,
) -> Result<(), rusqlite::Error> {
    let scope = new.asset.scope();
    let (tenant, environment) = (scope.tenant.as_str(), scope.environment.as_str());
    let asset_id = new.asset.asset_id();
    let asset = asset_id.as_uuid().into_bytes();
    let provenance = new.asset.provenance();
    for (label, value) in provenance.labels.as_map() {
        let row = params![tenant, environment, asset, sequence, label, value];
        connection.execute(LABEL, row)?;
    }
    let parents = provenance.lineage.derived_from.as_slice();
    for (position, parent) in (0_u32..).zip(parents) {
        let parent = parent.as_uuid().into_bytes();
        let row = params![tenant, environment, asset, sequence, position, parent];
        connection.execute(EDGE, row)?;
    }
    Ok(())
}
