//! An object or a part being written.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde::Serialize;
use tempfile::NamedTempFile;

use super::format;

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

    /// Adds the first `bytes` of a file, which the system copies where it can.
    pub(super) fn append(&mut self, file: &mut File, bytes: u64) -> io::Result<()> {
        let copied = io::copy(&mut file.take(bytes), self.file.as_file_mut())?;
        if copied != bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.content_bytes += bytes;
        Ok(())
    }

    /// Adds the record and makes the file durable, under a temporary name.
    pub(super) fn seal(mut self, record: &impl Serialize) -> io::Result<NamedTempFile> {
        let end = format::record_and_tail(record, self.content_bytes)?;
        self.file.write_all(&end)?;
        self.file.as_file().sync_all()?;
        Ok(self.file)
    }
}
