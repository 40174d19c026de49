use nexus_raw::{
    asset::{AssetId, BucketName, RawAsset, UploadIntent},
    tenancy::Scope,
};

use crate::{
    error::CorruptColumn,
    listing::{Sql, Value},
    object_store::ObjectStoreIdentity,
    rows::{Columns, decode},
};

/// What the catalogue has of one upload.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CatalogEntry {
    /// What was promised at presign: scope, asset, object key, content, end, and upload in parts.
    pub intent: UploadIntent,
    /// What came of it.
    pub state: EntryState,
    /// The record; exactly of a registered one.
    pub record: Option<Box<RawAsset>>,
    /// The store that its object is in, or was promised to.
    pub store: ObjectStoreIdentity,
}

/// What came of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryState {
    /// Nothing yet. Its [end](UploadIntent::ends_at) may be over.
    Pending,
    /// It was closed after its end. It is registered all the same if its object arrived in time.
    Ended,
    /// Its upload in parts was aborted.
    Aborted,
    /// It has a record.
    Registered,
}

/// An entry that this program cannot have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("column {column} of the entry {asset_id} holds an invalid value")]
#[non_exhaustive]
pub struct CorruptEntry {
    /// The asset.
    pub asset_id: AssetId,
    /// The column, as `table.column`.
    pub column: &'static str,
}

/// Returns the statement for a page, whose columns and joins are those of `select`, of those rows for
/// which `only` holds: a condition that begins with `AND`, or nothing.
pub(crate) fn page(
    select: &str,
    scope: &Scope,
    after: Option<AssetId>,
    only: &str,
    limit: u32,
) -> Sql {
    let mut sql = Sql::of(
        &format!("{select} WHERE (i.tenant_id, i.env) = (?, ?){only}"),
        scope,
    );
    if let Some(after) = after {
        sql.push(" AND i.asset_id > ?", [Value::Id(after)]);
    }
    sql.push(&format!(" ORDER BY i.asset_id LIMIT {limit}"), []);
    sql
}

/// Returns the statement for the entry of an asset.
pub(super) fn one(select: &str, scope: &Scope, asset: AssetId) -> Sql {
    let mut sql = Sql::of(
        &format!("{select} WHERE (i.tenant_id, i.env) = (?, ?)"),
        scope,
    );
    sql.push(" AND i.asset_id = ?", [Value::Id(asset)]);
    sql
}

/// Decodes an entry. Only an invalid id, after which no page can go on, is an error.
pub(super) fn decode(
    row: &Columns<'_>,
) -> Result<Result<CatalogEntry, CorruptEntry>, CorruptColumn> {
    let asset_id = row.asset_id("upload_intent.asset_id")?;
    Ok(entry(row).map_err(|CorruptColumn(column)| CorruptEntry { asset_id, column }))
}

fn entry(row: &Columns<'_>) -> Result<CatalogEntry, CorruptColumn> {
    const STATE: &str = "upload_intent.state";
    let intent = decode::intent(row)?;
    let state = row.text(STATE, |state| match state {
        "pending" => Ok(EntryState::Pending),
        "ended" => Ok(EntryState::Ended),
        "aborted" => Ok(EntryState::Aborted),
        "registered" => Ok(EntryState::Registered),
        _ => Err(()),
    })?;
    let has_record = row.optional::<Vec<u8>>("asset.asset_id")?.is_some();
    if has_record != (state == EntryState::Registered) {
        return Err(CorruptColumn(STATE));
    }
    let record = has_record.then(|| decode::asset(row)).transpose()?;
    let endpoint: &str = row.get("object_store.endpoint")?;
    Ok(CatalogEntry {
        intent,
        state,
        record: record.map(Box::new),
        store: ObjectStoreIdentity {
            endpoint: (!endpoint.is_empty()).then(|| endpoint.to_owned()),
            region: row.get("object_store.region")?,
            bucket: row.text("object_store.bucket", BucketName::parse)?,
        },
    })
}
