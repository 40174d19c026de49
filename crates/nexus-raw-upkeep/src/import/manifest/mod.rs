//! A file with what is stated of the objects of an import: CSV with a header, or JSON lines.

mod csv_rows;
mod faults;
mod json_rows;
mod row;

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use nexus_raw::{asset::AssetId, time::Timestamp};

pub use self::faults::{ManifestError, ManifestFaults};
use self::row::RawRow;
pub(super) use self::{faults::FaultLines, row::ManifestRow};
use super::report::{ImportKind, ImportLine};

/// The largest manifest: it is held in memory.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// How a manifest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestForm {
    /// Rows under a header.
    Csv,
    /// An object on each line.
    JsonLines,
}

impl ManifestForm {
    /// Returns the form by the ending of a file's name: `.csv`, `.jsonl` or `.ndjson`.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// What is stated of objects, by their keys.
#[derive(Debug, Default)]
pub struct ImportManifest {
    rows: BTreeMap<String, KnownRow>,
}

#[derive(Debug)]
struct KnownRow {
    line: u64,
    row: ManifestRow,
    is_listed: AtomicBool,
}

impl ImportManifest {
    /// Reads a file. `prefix` is that of the source, `now` the time that no object was captured after.
    ///
    /// # Errors
    /// If it cannot be read, or [`ManifestError::Faults`] with the line of each fault.
    pub fn open(
        path: &Path,
        form: ManifestForm,
        prefix: &str,
        now: Timestamp,
    ) -> Result<Self, ManifestError> {
        let unreadable = |source| ManifestError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(unreadable)?;
        let mut text = Vec::new();
        let mut file = file.take(MAX_BYTES + 1);
        file.read_to_end(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_BYTES {
            let mut faults = FaultLines::default();
            faults.add(
                1,
                "is of a file of more than 64 MiB: divide it, and the prefix",
            );
            faults.end()?;
        }
        Ok(Self::read(&text, form, prefix, now)?)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// All faults, each with its line.
    pub fn read(
        text: &[u8],
        form: ManifestForm,
        prefix: &str,
        now: Timestamp,
    ) -> Result<Self, ManifestFaults> {
        let mut faults = FaultLines::default();
        // as spreadsheets begin a file
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let raw = match form {
            ManifestForm::Csv => csv_rows::rows(text, &mut faults),
            ManifestForm::JsonLines => json_rows::rows(text, &mut faults),
        };
        let mut rows: BTreeMap<String, KnownRow> = BTreeMap::new();
        for RawRow { line, key, stated } in raw {
            let Some(key) = key.filter(|key| !key.is_empty()) else {
                faults.add(line, "key: is missing");
                continue;
            };
            if !key.starts_with(prefix) {
                faults.add(line, "key: does not begin with the prefix of the source");
            }
            let row = stated.parse(line, now, &mut faults);
            let known = KnownRow {
                line,
                row,
                is_listed: AtomicBool::new(false),
            };
            if let Some(before) = rows.get(&key) {
                faults.add(line, format!("key: is that of line {}", before.line));
            } else {
                rows.insert(key, known);
            }
        }
        faults.end()?;
        Ok(Self { rows })
    }

    /// Returns the parents of each row that has some, with its line.
    pub(super) fn parents(&self) -> impl Iterator<Item = (u64, &[AssetId])> {
        let rows = self.rows.values();
        let parents = rows.map(|it| (it.line, &it.row.provenance.lineage.derived_from));
        let parents = parents.map(|(line, parents)| (line, parents.as_slice()));
        parents.filter(|(_, parents)| !parents.is_empty())
    }

    /// Returns the row of a listed object.
    pub(super) fn row_of(&self, key: &str) -> Option<&ManifestRow> {
        let known = self.rows.get(key)?;
        known.is_listed.store(true, Relaxed);
        Some(&known.row)
    }

    /// Returns the rows whose objects were not listed, for the report.
    pub(super) fn without_object(&self) -> impl Iterator<Item = ImportLine> {
        let left = self.rows.iter();
        let left = left.filter(|(_, known)| !known.is_listed.load(Relaxed));
        left.map(|(key, known)| ImportLine {
            kind: ImportKind::WithoutObject,
            key: key.clone(),
            version_id: None,
            asset_id: None,
            size_bytes: None,
            reason: Some(format!("line {} of the manifest", known.line)),
        })
    }
}
