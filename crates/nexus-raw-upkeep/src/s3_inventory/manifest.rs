use std::{
    fs,
    path::{Path, PathBuf},
};

use md5::{Digest as _, Md5};
use nexus_raw::{asset::BucketName, time::Timestamp};
use serde::Deserialize;

use super::{S3InventoryError, columns::Columns, data_file::DataFile};

/// A manifest that was read and can be used.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) path: PathBuf,
    pub(super) created_at: Timestamp,
    pub(super) columns: Columns,
    pub(super) files: Vec<DataFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    source_bucket: String,
    /// Milliseconds since 1970.
    creation_timestamp: String,
    file_format: String,
    file_schema: String,
    files: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    size: u64,
    #[serde(rename = "MD5checksum")]
    md5: String,
}

impl Manifest {
    pub(super) fn read(path: &Path, bucket: &BucketName) -> Result<Self, S3InventoryError> {
        let invalid = |reason: String| S3InventoryError::invalid(path, reason);
        let bytes = fs::read(path).map_err(|error| S3InventoryError::unreadable(path, error))?;
        let checksum = path.with_file_name("manifest.checksum");
        if let Ok(expected) = fs::read_to_string(&checksum)
            && expected.trim() != hex::encode(Md5::digest(&bytes))
        {
            return Err(invalid("differs from manifest.checksum".to_owned()));
        }
        let document: Document = serde_json::from_slice(&bytes)
            .map_err(|error| invalid(format!("is no manifest of S3 Inventory: {error}")))?;
        if document.source_bucket != bucket.as_str() {
            let other = document.source_bucket;
            return Err(invalid(format!(
                "is of bucket {other:?}, and not of {bucket}"
            )));
        }
        if document.file_format != "CSV" {
            let format = document.file_format;
            return Err(invalid(format!(
                "is in {format:?}: configure the inventory to be in CSV"
            )));
        }
        let millis = document.creation_timestamp.parse::<i64>().ok();
        let created_at = millis
            .and_then(|millis| millis.checked_mul(1000))
            .and_then(|micros| Timestamp::from_micros(micros).ok())
            .ok_or_else(|| invalid("has no creation time".to_owned()))?;
        let columns = Columns::of(&document.file_schema)
            .ok_or_else(|| invalid("has no column Key".to_owned()))?;
        let files = document.files.into_iter().map(|entry| DataFile {
            path: found(path, &entry.key),
            size_bytes: entry.size,
            md5: entry.md5,
        });
        Ok(Self {
            path: path.to_owned(),
            created_at,
            columns,
            files: files.collect(),
        })
    }
}

/// Returns where a data file is: the manifest names it by its key in the bucket of reports, whose
/// beginning is not on this machine. The longest end of the key that is there counts.
fn found(manifest: &Path, key: &str) -> PathBuf {
    let segments: Vec<&str> = key.split('/').collect();
    // a key is no path that leads elsewhere
    let is_plain = segments.iter().all(|it| !matches!(*it, "" | "." | ".."));
    let name = segments.last().copied().unwrap_or_default();
    let directories = manifest.ancestors().skip(1);
    let places = directories.flat_map(|directory| {
        let ends = (0..segments.len()).map(|from| segments[from..].iter().collect::<PathBuf>());
        ends.map(move |end| directory.join(end))
    });
    let mut places = places.filter(|_| is_plain);
    let found = places.find(|place| place.is_file());
    found.unwrap_or_else(|| manifest.with_file_name(name))
}
