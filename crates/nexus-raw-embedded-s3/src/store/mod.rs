//! Objects on a file system: whole or absent, whatever dies when.
//!
//! An object is one file that holds content and record, so that a reader can never see the
//! content of one write with the metadata of another. It is written beside its place, synced, and
//! then linked into place by one call of the system.
//!
//! Nothing here knows HTTP, S3's protocol or an async runtime.

mod bucket_name;
mod format;
mod layout;
mod open;
mod record;
mod staged;

pub(crate) use bucket_name::BucketName;
pub(crate) use open::OpenError;
pub(crate) use record::ObjectRecord;
pub(crate) use staged::StagedObject;

use std::fs::{self, File};
use std::io;

use layout::Layout;

/// What a write does where the key is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfTaken {
    Replace,
    Refuse,
}

/// Why a store could not do as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("there is no such bucket")]
    NoSuchBucket,
    #[error("the bucket exists already")]
    BucketExists,
    #[error("an object exists already at the key")]
    ObjectExists,
    #[error("the object's file is damaged")]
    Damaged(#[source] format::FormatError),
    #[error("the data directory cannot be read or written")]
    Io(#[from] io::Error),
}

/// An object as it is: its record, and its content at the start of a file.
///
/// The file stays what it was even where the key is written again or deleted meanwhile.
#[derive(Debug)]
pub(crate) struct StoredObject {
    pub(crate) record: ObjectRecord,
    pub(crate) content_bytes: u64,
    pub(crate) file: File,
}

/// The objects in one data directory. No second store can be opened on it meanwhile.
#[derive(Debug)]
pub(crate) struct Store {
    layout: Layout,
    /// Held for its lock alone.
    _lock: File,
}

impl Store {
    /// Makes an empty bucket, whole or not at all.
    pub(crate) fn create_bucket(&self, bucket: &BucketName) -> Result<(), StoreError> {
        if self.has_bucket(bucket)? {
            return Err(StoreError::BucketExists);
        }
        let staged = tempfile::tempdir_in(self.layout.staging())?;
        for shard in Layout::shards() {
            fs::create_dir(staged.path().join(shard))?;
        }
        sync_directory(staged.path())?;
        match fs::rename(staged.path(), self.layout.bucket(bucket)) {
            Ok(()) => Ok(sync_directory(&self.layout.buckets())?),
            // made by another request meanwhile
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
                ) =>
            {
                Err(StoreError::BucketExists)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn has_bucket(&self, bucket: &BucketName) -> Result<bool, StoreError> {
        Ok(self.layout.bucket(bucket).try_exists()?)
    }

    /// Begins an object that nobody sees until it is published. It goes away when dropped.
    pub(crate) fn stage(&self) -> Result<StagedObject, StoreError> {
        Ok(StagedObject::in_directory(&self.layout.staging())?)
    }

    /// Publishes a staged object under the bucket and key of its record, and returns once that is
    /// durable. Of many calls with [`IfTaken::Refuse`] for one key, one succeeds.
    pub(crate) fn publish(
        &self,
        staged: StagedObject,
        bucket: &BucketName,
        record: &ObjectRecord,
        if_taken: IfTaken,
    ) -> Result<(), StoreError> {
        let sealed = staged.seal(record)?;
        let place = self.layout.object(bucket, &record.key);
        let published = match if_taken {
            IfTaken::Replace => sealed.persist(&place.file),
            IfTaken::Refuse => sealed.persist_noclobber(&place.file),
        };
        match published.map_err(|refused| refused.error) {
            Ok(_) => Ok(sync_directory(&place.shard)?),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(StoreError::ObjectExists)
            }
            // the shards of a bucket are made with it
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::NoSuchBucket),
            Err(error) => Err(error.into()),
        }
    }

    /// The object at a key, or `None`.
    pub(crate) fn open_object(
        &self,
        bucket: &BucketName,
        key: &str,
    ) -> Result<Option<StoredObject>, StoreError> {
        let mut file = match File::open(self.layout.object(bucket, key).file) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if self.has_bucket(bucket)? {
                    Ok(None)
                } else {
                    Err(StoreError::NoSuchBucket)
                };
            }
            Err(error) => return Err(error.into()),
        };
        let (record, content_bytes) = format::read(&mut file).map_err(StoreError::Damaged)?;
        if record.key != key || record.bucket != bucket.as_str() {
            return Err(StoreError::Damaged(format::FormatError::OtherObject));
        }
        Ok(Some(StoredObject {
            record,
            content_bytes,
            file,
        }))
    }

    /// Removes the object at a key, if there is one, and returns once that is durable.
    pub(crate) fn delete_object(&self, bucket: &BucketName, key: &str) -> Result<(), StoreError> {
        let place = self.layout.object(bucket, key);
        match fs::remove_file(place.file) {
            Ok(()) => Ok(sync_directory(&place.shard)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.has_bucket(bucket)? {
                    Ok(())
                } else {
                    Err(StoreError::NoSuchBucket)
                }
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Makes the names in a directory durable.
fn sync_directory(path: &std::path::Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests;
