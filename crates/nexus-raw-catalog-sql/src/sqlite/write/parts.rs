//! Uploads in parts: their ids, their parts and their ends.

use std::collections::BTreeMap;

use nexus_raw::{
    asset::{AssetId, PartNumber, UploadId},
    ports::{AbortedUpload, BegunUpload, NewParts, PartsOutcome},
    tenancy::Scope,
};
use rusqlite::{Params, params};

use super::registrations;
use crate::{
    backend::WriteError,
    error::CorruptColumn,
    rows::Columns,
    sqlite::{connection::SqliteConnection, fault::write_error, parameters::rows_json},
    writer::{Registration, UploadAbort},
};

/// The outcome of each abort, and those to write, each with the size of its content unless its
/// intent was closed.
#[derive(Default)]
pub(super) struct Aborts<'a> {
    pub(super) outcomes: Vec<AbortedUpload>,
    pub(super) written: Vec<(&'a UploadAbort, Option<i64>)>,
}

/// What an abort finds.
#[derive(Clone, Copy)]
enum Upload {
    Open { size: i64 },
    Closed,
    Aborted,
}

pub(super) const UPLOADS: &str = "
    SELECT i.state, i.size_bytes FROM upload_intent i
    WHERE i.tenant_id = ?1 AND i.env = ?2 AND i.asset_id = ?3
        AND i.kind = 'multipart' AND i.state <> 'registered'";

/// Decides the outcome of each abort. An asset that the same group registers is not aborted; of
/// several aborts of one upload the first is written.
pub(super) fn decide<'a>(
    connection: &mut SqliteConnection,
    aborts: &[&'a UploadAbort],
    registered: &[(&Registration, bool)],
) -> Result<Aborts<'a>, WriteError> {
    let mut decided = Aborts::default();
    if aborts.is_empty() {
        return Ok(decided);
    }
    let mut uploads = uploads(connection, aborts)?;
    for (it, _) in registered {
        uploads.remove(&(it.new.asset.scope(), it.new.asset.asset_id()));
    }
    for it in aborts {
        let upload = uploads.get_mut(&(&it.scope, it.event.body.asset_id));
        decided.outcomes.push(match upload {
            None => AbortedUpload::NotPending,
            Some(upload) => {
                match std::mem::replace(upload, Upload::Aborted) {
                    Upload::Open { size } => decided.written.push((*it, Some(size))),
                    Upload::Closed => decided.written.push((*it, None)),
                    Upload::Aborted => {}
                }
                AbortedUpload::Recorded
            }
        });
    }
    Ok(decided)
}

/// Returns the uploads in parts that are not registered.
fn uploads<'a>(
    connection: &mut SqliteConnection,
    aborts: &[&'a UploadAbort],
) -> Result<BTreeMap<(&'a Scope, AssetId), Upload>, WriteError> {
    let mut uploads = BTreeMap::new();
    for it in aborts {
        let (scope, asset) = (&it.scope, it.event.body.asset_id);
        let upload = connection.row(UPLOADS, key(scope, asset), |row| {
            Ok(match row.get("upload_intent.state")? {
                "aborted" => Upload::Aborted,
                "ended" => Upload::Closed,
                _ => Upload::Open {
                    size: row.get("upload_intent.size_bytes")?,
                },
            })
        });
        if let Some(upload) = upload.map_err(write_error)? {
            uploads.insert((scope, asset), upload);
        }
    }
    Ok(uploads)
}

/// Marks the intents as aborted.
pub(super) fn abort(
    connection: &mut SqliteConnection,
    aborts: &[(&UploadAbort, Option<i64>)],
) -> Result<(), WriteError> {
    if aborts.is_empty() {
        return Ok(());
    }
    let keys = aborts
        .iter()
        .map(|(it, _)| (&it.scope, it.event.body.asset_id));
    registrations::mark(connection, keys, "aborted")
}

pub(super) const BEGIN: &str = "
    UPDATE upload_intent SET upload_id = ?4
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3
        AND state = 'pending' AND kind = 'multipart' AND upload_id IS ?5";

pub(super) const OPEN: &str = "
    SELECT upload_id FROM upload_intent
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3
        AND state = 'pending' AND kind = 'multipart'";

/// Writes the id of an upload, unless another one was first, and returns the one that is in force.
pub(super) fn begin(
    connection: &mut SqliteConnection,
    begun: &BegunUpload,
) -> Result<Option<UploadId>, WriteError> {
    let (tenant, environment) = (
        begun.scope.tenant.as_str(),
        begun.scope.environment.as_str(),
    );
    let wish = params![
        tenant,
        environment,
        begun.asset_id.as_uuid().into_bytes(),
        begun.upload_id.as_str(),
        begun.instead_of.as_ref().map(UploadId::as_str),
    ];
    connection.execute(BEGIN, wish).map_err(write_error)?;
    let id = |row: &Columns<'_>| row.optional_text("upload_intent.upload_id", UploadId::parse);
    let id = connection.row(OPEN, key(&begun.scope, begun.asset_id), id);
    Ok(id.map_err(write_error)?.flatten())
}

pub(super) const DIFFERING: &str = "
    SELECT p.part_number FROM json_each(?4) k
    CROSS JOIN upload_part p ON p.tenant_id = ?1 AND p.env = ?2 AND p.asset_id = ?3
        AND p.part_number = k.value ->> 0
    WHERE p.sha256 <> unhex(k.value ->> 2)
    ORDER BY p.part_number";

// a trigger ignores those that are there
const DECLARE: &str = "
    INSERT INTO upload_part (tenant_id, env, asset_id, part_number, size_bytes, sha256)
    SELECT ?1, ?2, ?3, value ->> 0, value ->> 1, unhex(value ->> 2) FROM json_each(?4)";

/// Writes the parts, all or none.
pub(super) fn declare(
    connection: &mut SqliteConnection,
    new: &NewParts,
) -> Result<PartsOutcome, WriteError> {
    let is_open = connection.has_row(OPEN, key(&new.scope, new.asset_id));
    if !is_open.map_err(write_error)? {
        return Ok(PartsOutcome::NotPending);
    }
    let rows = new.parts.iter();
    let rows = rows_json(rows.map(|it| (it.number, it.size_bytes, it.sha256)));
    let declared = params![
        new.scope.tenant.as_str(),
        new.scope.environment.as_str(),
        new.asset_id.as_uuid().into_bytes(),
        rows,
    ];
    let differing = connection.rows(DIFFERING, declared, |row| {
        const NUMBER: &str = "upload_part.part_number";
        let number = PartNumber::parse(row.unsigned(NUMBER)?);
        number.map_err(|_| CorruptColumn(NUMBER))
    });
    let differing = differing.map_err(write_error)?;
    if !differing.is_empty() {
        return Ok(PartsOutcome::Differ(differing));
    }
    connection.execute(DECLARE, declared).map_err(write_error)?;
    Ok(PartsOutcome::Declared)
}

/// The key of an asset as the first three parameters of a statement.
fn key(scope: &Scope, asset: AssetId) -> impl Params {
    let asset = asset.as_uuid().into_bytes();
    (scope.tenant.as_str(), scope.environment.as_str(), asset)
}
