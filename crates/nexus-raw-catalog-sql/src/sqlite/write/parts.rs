//! Uploads in parts: their ids, their parts and their ends.

use std::collections::BTreeMap;

use nexus_raw::{
    asset::{AssetId, PartNumber, UploadId},
    ports::{AbortedUpload, BegunUpload, CatalogError, NewParts, PartsOutcome},
    tenancy::Scope,
};
use sqlx::{Row, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use super::registrations;
use crate::{
    backend::WriteError,
    error::CorruptColumn,
    rows::Columns,
    sqlite::{
        fault::{read_error, write_error},
        parameters::{keys_json, rows_json},
    },
    writer::{Registration, UploadAbort},
};

/// The outcome of each abort, and those to write, each with the size of its content.
#[derive(Default)]
pub(super) struct Aborts<'a> {
    pub(super) outcomes: Vec<AbortedUpload>,
    pub(super) written: Vec<(&'a UploadAbort, i64)>,
}

pub(super) const UPLOADS: &str = "
    SELECT k.key, i.state, i.size_bytes
    FROM json_each(?1) k
    CROSS JOIN upload_intent i ON i.tenant_id = k.value ->> 0 AND i.env = k.value ->> 1
        AND i.asset_id = unhex(k.value ->> 2)
    WHERE i.kind = 'multipart' AND i.state IN ('pending', 'aborted')";

/// Decides the outcome of each abort. An asset that the same group registers is not aborted; of
/// several aborts of one upload the first is written.
pub(super) async fn decide<'a>(
    connection: &mut SqliteConnection,
    aborts: &[&'a UploadAbort],
    registered: &[(&Registration, bool)],
) -> Result<Aborts<'a>, WriteError> {
    let mut decided = Aborts::default();
    if aborts.is_empty() {
        return Ok(decided);
    }
    let mut uploads = uploads(connection, aborts).await?;
    for (it, _) in registered {
        uploads.remove(&(it.new.asset.scope(), it.new.asset.asset_id()));
    }
    for it in aborts {
        let upload = uploads.get_mut(&(&it.scope, it.event.body.asset_id));
        decided.outcomes.push(match upload {
            None => AbortedUpload::NotPending,
            Some(open) => {
                decided.written.extend(open.take().map(|size| (*it, size)));
                AbortedUpload::Recorded
            }
        });
    }
    Ok(decided)
}

/// Returns the uploads in parts, each with the size of its content while it is pending.
async fn uploads<'a>(
    connection: &mut SqliteConnection,
    aborts: &[&'a UploadAbort],
) -> Result<BTreeMap<(&'a Scope, AssetId), Option<i64>>, WriteError> {
    let keys: Vec<_> = aborts
        .iter()
        .map(|it| (&it.scope, it.event.body.asset_id))
        .collect();
    let rows = sqlx::query(UPLOADS)
        .bind(keys_json(keys.iter().copied()))
        .fetch_all(connection)
        .await
        .map_err(write_error)?;
    let found = rows.iter().map(|row| {
        let index: i64 = row.try_get(0)?;
        let key = usize::try_from(index).ok().and_then(|at| keys.get(at));
        let key = key.ok_or(sqlx::Error::RowNotFound)?;
        let is_pending = row.try_get::<&str, _>(1)? == "pending";
        let size: i64 = row.try_get(2)?;
        Ok((*key, is_pending.then_some(size)))
    });
    let found: Result<_, sqlx::Error> = found.collect();
    Ok(found.map_err(read_error)?)
}

/// Marks the intents as aborted.
pub(super) async fn abort(
    connection: &mut SqliteConnection,
    aborts: &[(&UploadAbort, i64)],
) -> Result<(), WriteError> {
    if aborts.is_empty() {
        return Ok(());
    }
    let keys = aborts
        .iter()
        .map(|(it, _)| (&it.scope, it.event.body.asset_id));
    registrations::mark(connection, keys, "aborted").await
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
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    begun: &BegunUpload,
) -> Result<Option<UploadId>, WriteError> {
    about(BEGIN, &begun.scope, begun.asset_id)
        .bind(begun.upload_id.as_str())
        .bind(begun.instead_of.as_ref().map(UploadId::as_str))
        .execute(&mut *connection)
        .await
        .map_err(write_error)?;
    let row = about(OPEN, &begun.scope, begun.asset_id)
        .fetch_optional(connection)
        .await
        .map_err(write_error)?;
    let id = row.map(|row| Columns(&row).optional_text("upload_intent.upload_id", UploadId::parse));
    let id = id.transpose().map_err(CatalogError::from)?;
    Ok(id.flatten())
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
pub(super) async fn declare(
    connection: &mut SqliteConnection,
    new: &NewParts,
) -> Result<PartsOutcome, WriteError> {
    let open = about(OPEN, &new.scope, new.asset_id)
        .fetch_optional(&mut *connection)
        .await
        .map_err(write_error)?;
    if open.is_none() {
        return Ok(PartsOutcome::NotPending);
    }
    let rows = new.parts.iter();
    let rows = rows_json(rows.map(|it| (it.number, it.size_bytes, it.sha256)));
    let differing = about(DIFFERING, &new.scope, new.asset_id)
        .bind(&rows)
        .fetch_all(&mut *connection)
        .await
        .map_err(write_error)?;
    if !differing.is_empty() {
        const NUMBER: &str = "upload_part.part_number";
        let numbers = differing.iter().map(|row| {
            let number = PartNumber::parse(Columns(row).unsigned(NUMBER)?);
            number.map_err(|_| CorruptColumn(NUMBER))
        });
        let numbers: Result<_, CorruptColumn> = numbers.collect();
        return Ok(PartsOutcome::Differ(numbers.map_err(CatalogError::from)?));
    }
    about(DECLARE, &new.scope, new.asset_id)
        .bind(&rows)
        .execute(connection)
        .await
        .map_err(write_error)?;
    Ok(PartsOutcome::Declared)
}

/// Returns a statement with the key of an asset bound.
fn about<'q>(
    sql: &'static str,
    scope: &'q Scope,
    asset: AssetId,
) -> Query<'q, Sqlite, SqliteArguments> {
    sqlx::query(sql)
        .bind(scope.tenant.as_str())
        .bind(scope.environment.as_str())
        .bind(asset.as_uuid().into_bytes().to_vec())
}
