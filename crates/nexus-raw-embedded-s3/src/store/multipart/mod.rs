//! Uploads in parts.
//!
//! An open upload is a directory, which appears and disappears by one renaming. A part is a file
//! in it, of the format of an object's file. Completion copies the parts into a new object, and
//! publishes that as any other.

mod completion;
mod open_uploads;

pub(crate) use open_uploads::OpenUpload;
pub(super) use open_uploads::OpenUploads;

use std::fs::{self, File};
use std::io::{self, Write as _};

use tempfile::TempDir;

use super::layout::Layout;
use super::record::{MultipartRecord, PartRecord};
use super::upload_id::UploadId;
use super::{BucketName, IfTaken, StagedObject, Store, StoreError, format, sync_directory};

/// The maximum number of open uploads. AWS has no limit.
const MAX_OPEN_UPLOADS: usize = 10_000;

/// A part in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredPart {
    pub(crate) record: PartRecord,
    pub(crate) content_bytes: u64,
}

impl Store {
    /// Begins an upload, and returns once that is durable. Calls at the same time may exceed the
    /// limit on open uploads by their number.
    pub(crate) fn begin_upload(
        &self,
        bucket: &BucketName,
        record: &MultipartRecord,
    ) -> Result<UploadId, StoreError> {
        self.check()?;
        if !self.has_bucket(bucket)? {
            return Err(StoreError::NoSuchBucket);
        }
        if self.uploads.count() >= MAX_OPEN_UPLOADS {
            return Err(StoreError::TooManyUploads);
        }
        let uploads = File::open(self.layout.uploads())?;
        let staged = UploadId::new_directory(&self.layout.staging())?;
        let id = UploadId::of_directory(record.initiated_unix_ms, staged.path())?;
        let mut file = File::create_new(Layout::upload_record(staged.path()))?;
        file.write_all(&format::record_and_tail(record, 0)?)?;
        file.sync_all()?;
        sync_directory(staged.path())?;
        let place = self.layout.upload(&id);
        fs::rename(staged.path(), &place)?;
        self.flush(&uploads, || fs::remove_dir_all(&place))?;
        self.uploads
            .insert(OpenUpload::new(record, id.clone()), record);
        Ok(id)
    }

    /// Returns the record of an open upload.
    pub(crate) fn read_upload(&self, upload: &OpenUpload) -> Result<MultipartRecord, StoreError> {
        self.require_upload(upload)?;
        let path = Layout::upload_record(&self.layout.upload(&upload.id));
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NoSuchUpload);
            }
            Err(error) => return Err(error.into()),
        };
        let (record, _) = format::read(&mut file).map_err(StoreError::Damaged)?;
        Ok(record)
    }

    /// Returns at most `limit` open uploads of a bucket whose keys start with `prefix`, in the
    /// order of keys and ids, and whether there are more. They follow `after`, a key and an id; a
    /// key without an id stands for all its uploads.
    pub(crate) fn list_uploads(
        &self,
        bucket: &BucketName,
        prefix: &str,
        after: Option<(&str, Option<&str>)>,
        limit: usize,
    ) -> Result<(Vec<(OpenUpload, u64)>, bool), StoreError> {
        self.check()?;
        if !self.has_bucket(bucket)? {
            return Err(StoreError::NoSuchBucket);
        }
        Ok(self.uploads.list(bucket, prefix, after, limit))
    }

    /// Stores a part, in place of an earlier one of its number, and returns once that is durable.
    pub(crate) fn store_part(
        &self,
        staged: StagedObject,
        upload: &OpenUpload,
        record: &PartRecord,
    ) -> Result<(), StoreError> {
        self.require_upload(upload)?;
        let sealed = staged.seal(record)?;
        let place = self.layout.part(&upload.id, record.number);
        // neither an abort nor a completion ends the upload meanwhile
        let _unsettled = self.pending.begin(&place.shard);
        self.require_upload(upload)?;
        self.settle(sealed, &place, IfTaken::Replace)
    }

    /// Returns at most `limit` parts with numbers above `after`, and whether there are more.
    pub(crate) fn list_parts(
        &self,
        upload: &OpenUpload,
        after: u16,
        limit: usize,
    ) -> Result<(Vec<StoredPart>, bool), StoreError> {
        self.require_upload(upload)?;
        let mut numbers = Vec::new();
        let entries = match fs::read_dir(self.layout.upload(&upload.id)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NoSuchUpload);
            }
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.parse::<u16>().ok());
            numbers.extend(number.filter(|number| *number > after));
        }
        numbers.sort_unstable();
        let has_more = numbers.len() > limit;
        numbers.truncate(limit);
        let parts = self.read_parts(upload, &numbers)?;
        Ok((parts.into_iter().flatten().collect(), has_more))
    }

    /// Returns the parts of these numbers, `None` for each that is absent.
    pub(crate) fn read_parts(
        &self,
        upload: &OpenUpload,
        numbers: &[u16],
    ) -> Result<Vec<Option<StoredPart>>, StoreError> {
        self.require_upload(upload)?;
        let read = |number: &u16| Ok(self.open_part(upload, *number)?.map(|(part, _)| part));
        let parts = numbers
            .iter()
            .map(read)
            .collect::<Result<_, StoreError>>()?;
        // it may have been ended meanwhile, so that parts seem absent
        self.require_upload(upload)?;
        Ok(parts)
    }

    /// Ends an upload and discards its parts, and returns once that is durable.
    pub(crate) fn abort_upload(&self, upload: &OpenUpload) -> Result<(), StoreError> {
        let ended = {
            let _unsettled = self.pending.begin(&self.layout.upload(&upload.id));
            self.require_upload(upload)?;
            self.end_upload(upload)?
        };
        // what is left is removed at the next start
        drop(ended);
        Ok(())
    }

    /// Ends an upload during whose change this is called, and returns its directory.
    fn end_upload(&self, upload: &OpenUpload) -> Result<TempDir, StoreError> {
        let uploads = File::open(self.layout.uploads())?;
        let ended = tempfile::tempdir_in(self.layout.staging())?;
        let place = self.layout.upload(&upload.id);
        fs::rename(&place, ended.path())?;
        self.flush(&uploads, || fs::rename(ended.path(), &place))?;
        self.uploads.remove(upload);
        Ok(ended)
    }

    /// Opens a part. The file does not change if the part is replaced or the upload is ended.
    fn open_part(
        &self,
        upload: &OpenUpload,
        number: u16,
    ) -> Result<Option<(StoredPart, File)>, StoreError> {
        let opened = self
            .pending
            .read(&self.layout.part(&upload.id, number).file);
        self.check()?;
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let (record, content_bytes): (PartRecord, _) =
            format::read(&mut file).map_err(StoreError::Damaged)?;
        if record.number != number {
            return Err(StoreError::Damaged(format::FormatError::OtherObject));
        }
        let part = StoredPart {
            record,
            content_bytes,
        };
        Ok(Some((part, file)))
    }

    fn require_upload(&self, upload: &OpenUpload) -> Result<(), StoreError> {
        self.check()?;
        if self.uploads.contain(upload) {
            Ok(())
        } else {
            Err(StoreError::NoSuchUpload)
        }
    }
}

#[cfg(test)]
mod tests;
