use std::{
    fmt,
    fs::File,
    io::{self, BufReader, Read as _},
    path::PathBuf,
};

use csv::{ByteRecord, Reader, ReaderBuilder};
use flate2::bufread::MultiGzDecoder;
use md5::{Digest as _, Md5};
use nexus_raw::ports::ListedVersion;
use percent_encoding::percent_decode;

use super::{S3InventoryError, columns::Columns};

/// A data file, as the manifest names it.
#[derive(Debug, Clone)]
pub(super) struct DataFile {
    pub(super) path: PathBuf,
    pub(super) size_bytes: u64,
    /// In hex.
    pub(super) md5: String,
}

/// A data file that is being read.
pub(super) struct OpenFile {
    rows: Reader<MultiGzDecoder<BufReader<File>>>,
    path: PathBuf,
    number: usize,
    row: u64,
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OpenFile")
            .field("path", &self.path)
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

impl DataFile {
    /// Compares the file with the manifest, and opens it.
    fn open(&self) -> Result<File, S3InventoryError> {
        let unreadable = |error| S3InventoryError::unreadable(&self.path, error);
        let file = File::open(&self.path).map_err(unreadable)?;
        let mut digest = Md5::new();
        let (mut left, mut length) = (BufReader::new(&file), 0);
        let mut piece = vec![0; 64 * 1024];
        loop {
            match left.read(&mut piece).map_err(unreadable)? {
                0 => break,
                read => {
                    digest.update(&piece[..read]);
                    length += read as u64;
                }
            }
        }
        if length != self.size_bytes || hex::encode(digest.finalize()) != self.md5 {
            let reason = "is not the file that the manifest names: its length or digest differs";
            return Err(S3InventoryError::invalid(&self.path, reason));
        }
        File::open(&self.path).map_err(unreadable)
    }
}

impl OpenFile {
    /// Opens the file of this number, at a row.
    pub(super) fn at(data: &DataFile, number: usize, row: u64) -> Result<Self, S3InventoryError> {
        let decoder = MultiGzDecoder::new(BufReader::new(data.open()?));
        let rows = ReaderBuilder::new().has_headers(false).from_reader(decoder);
        let mut open = Self {
            rows,
            path: data.path.clone(),
            number,
            row: 0,
        };
        let mut skipped = ByteRecord::new();
        while open.row < row && open.next(&mut skipped)? {}
        Ok(open)
    }

    pub(super) fn is_at(&self, number: usize, row: u64) -> bool {
        (self.number, self.row) == (number, row)
    }

    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// Reads rows until there are `limit` items, and returns whether these were the last ones.
    pub(super) fn take(
        &mut self,
        columns: &Columns,
        limit: usize,
        items: &mut Vec<ListedVersion>,
    ) -> Result<bool, S3InventoryError> {
        let mut row = ByteRecord::new();
        while items.len() < limit {
            if !self.next(&mut row)? {
                return Ok(true);
            }
            let item = listed(columns, &row).ok_or_else(|| {
                let reason = format!("row {} is not as the manifest says", self.row);
                S3InventoryError::invalid(&self.path, reason)
            })?;
            items.push(item);
        }
        Ok(false)
    }

    fn next(&mut self, row: &mut ByteRecord) -> Result<bool, S3InventoryError> {
        let read = self.rows.read_byte_record(row);
        let is_there = read
            .map_err(|error| S3InventoryError::unreadable(&self.path, io::Error::other(error)))?;
        self.row += u64::from(is_there);
        Ok(is_there)
    }
}

fn listed(columns: &Columns, row: &ByteRecord) -> Option<ListedVersion> {
    if row.len() != columns.count {
        return None;
    }
    let text = |place: usize| str::from_utf8(row.get(place)?).ok();
    // as in a form: a space is a plus
    let key = text(columns.key)?.replace('+', " ");
    let key = percent_decode(key.as_bytes()).decode_utf8().ok()?;
    let version_id = columns.version_id.map(text).map_or(Some(""), |it| it)?;
    let is_delete_marker = match columns.is_delete_marker.map(text) {
        None => false,
        Some(flag) => flag?.parse().ok()?,
    };
    Some(ListedVersion {
        key: key.into_owned(),
        version_id: (!matches!(version_id, "" | "null")).then(|| version_id.to_owned()),
        is_delete_marker,
    })
}
