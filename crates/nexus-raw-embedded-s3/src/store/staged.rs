//! An object being written.

use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use super::format;
use super::record::ObjectRecord;

/// A staging file to which the content is written, removed on drop.
#[derive(Debug)]
pub(crate) struct StagedObject {
    file: NamedTempFile,
    content_bytes: u64,
}

impl StagedObject {
    pub(super) fn in_directory(staging: &Path) -> io::Result<Self> {
        Ok(Self {
            file: NamedTempFile::new_in(staging)?,
            content_bytes: 0,
        })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.content_bytes += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn content_bytes(&self) -> u64 {
        self.content_bytes
    }

    /// Adds the record and makes the file durable, under a temporary name.
    pub(super) fn seal(mut self, record: &ObjectRecord) -> io::Result<NamedTempFile> {
        let end = format::record_and_tail(record, self.content_bytes)?;
        self.file.write_all(&end)?;
        self.file.as_file().sync_all()?;
        Ok(self.file)
    }
}
