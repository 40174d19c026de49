use std::sync::LazyLock;

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

/// The columns that are copied from the intent.
const OF_THE_INTENT: &str = "object_store_id, key_layout, filename, content_type, size_bytes";

/// Defines `STATED`, the names of columns, and `push_stated`, which binds their values in that
/// order.
macro_rules! stated {
    (|$record:ident, $asset:ident, $provenance:ident, $location:ident| $($column:ident: $value:expr,)+) => {
        const STATED: &[&str] = &[$(stringify!($column)),+];

        fn push_stated(row: &mut Separated<'_, Sqlite, &'static str>, $record: &NewRecord<'_>) {
            let $asset = &$record.new.asset;
            let $provenance = $asset.provenance();
            let $location = $provenance.capture_location;
            $(row.push_bind($value);)+
        }
    };
}

// Bound value by value and not as JSON, from which SQLite parses some floating-point numbers with an
// error in the last digit.
stated! { |record, asset, provenance, location|
    tenant_id: asset.scope().tenant.to_string(),
    env: asset.scope().environment.to_string(),
    asset_id: asset.asset_id().as_uuid().as_bytes().to_vec(),
    registered_sequence: record.sequence,
    sha256: asset.facts().sha256.as_bytes().to_vec(),
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
    registered_by: asset.registered_by().to_string(),
    imported_at: asset.imported_at().as_micros(),
    provenance_digest: record.new.provenance_digest.as_bytes().to_vec(),
    integrity_level: asset.integrity().level.as_str(),
    integrity_parts: asset.integrity().parts,
    integrity_version_id: asset.integrity().version_id.clone(),
    integrity_etag: asset.integrity().etag.clone(),
}

/// The SQL before and after the values of an insert.
static INSERT: LazyLock<(String, String)> = LazyLock::new(|| {
    let stated = STATED.join(", ");
    let into = format!(
        ") INSERT INTO asset ({stated}, {OF_THE_INTENT})
        SELECT new.*, {OF_THE_INTENT} FROM new
        CROSS JOIN upload_intent i ON i.tenant_id = new.tenant_id AND i.env = new.env
            AND i.asset_id = new.asset_id"
    );
    (format!("WITH new ({stated}) AS ("), into)
});

/// Inserts the records, their labels and their edges.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    records: &[NewRecord<'_>],
) -> Result<(), WriteError> {
    let (with, into) = &*INSERT;
    let mut insert = QueryBuilder::new(with);
    insert.push_values(records, |mut row, record| push_stated(&mut row, record));
    insert.push(into);
    // each number of records has its own text, too many to keep prepared
    let inserted = insert.build().persistent(false).execute(&mut *connection);
    inserted.await.map_err(write_error)?;
    insert_details(connection, records).await
}

const INSERT_DETAILS: &str = "
    INSERT INTO asset_label (tenant_id, env, asset_id, registered_sequence, label, value)
    SELECT value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4, value ->> 5
    FROM json_each(?1);

    INSERT INTO lineage_edge (tenant_id, env, child_id, registered_sequence, position, parent_id)
    SELECT value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4, unhex(value ->> 5)
    FROM json_each(?2)";

async fn insert_details(
    connection: &mut SqliteConnection,
    records: &[NewRecord<'_>],
) -> Result<(), WriteError> {
    let mut labels = Vec::new();
    let mut edges = Vec::new();
    for NewRecord { new, sequence, .. } in records {
        let scope = new.asset.scope();
        let (tenant, environment) = (&scope.tenant, &scope.environment);
        let asset = new.asset.asset_id().as_uuid().simple();
        let stated = new.asset.provenance().labels.as_map().iter();
        labels.extend(
            stated.map(|(label, value)| (tenant, environment, asset, sequence, label, value)),
        );
        let parents = new
            .asset
            .provenance()
            .lineage
            .derived_from
            .as_slice()
            .iter();
        edges.extend((0_u32..).zip(parents).map(|(position, parent)| {
            let parent = parent.as_uuid().simple();
            (tenant, environment, asset, sequence, position, parent)
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
