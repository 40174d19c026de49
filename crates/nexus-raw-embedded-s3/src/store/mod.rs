//! Crash-safe objects on a file system.
//!
//! An object is one file that holds content and record, so that a reader can never see the
//! content of one write with the metadata of another. It is written to a staging file, synced,
//! and then linked into place by one system call.
//!
//! Nothing here knows HTTP, S3's protocol or an async runtime.

mod bucket_name;
mod format;
mod layout;
mod list;
mod multipart;
mod open;
mod pending;
mod record;
mod staged;
mod upload_id;

pub(crate) use bucket_name::BucketName;
pub(crate) use list::ListedObject;
pub(crate) use multipart::{OpenUpload, StoredPart};
pub(crate) use open::OpenError;
pub(crate) use record::{MultipartRecord, ObjectRecord, PartRecord};
pub(crate) use staged::StagedObject;
pub(crate) use upload_id::UploadId;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use layout::{Layout, ObjectPath};
use multipart::OpenUploads;
use pending::PendingChanges;
use tempfile::NamedTempFile;

/// The behaviour of a write to an existing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfTaken {
    Replace,
    Refuse,
}

/// The error of a store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("bucket does not exist")]
    NoSuchBucket,
    #[error("bucket exists already")]
    BucketExists,
    #[error("object exists already")]
    ObjectExists,
    #[error("upload in parts does not exist")]
    NoSuchUpload,
    #[error("too many uploads in parts are open")]
    TooManyUploads,
    #[error("part was replaced meanwhile")]
    PartReplaced,
    #[error("object file is damaged")]
    Damaged(#[source] format::FormatError),
    #[error("data directory cannot be read or written")]
    Io(#[from] io::Error),
    #[error("directory could not be flushed to disk")]
    Flush(#[source] io::Error),
    #[error("store is stopped after a failed flush to disk")]
    Stopped,
}

impl StoreError {
    /// Returns whether the state of the disk is known only after a restart.
    pub(crate) fn is_of_the_medium(&self) -> bool {
        matches!(self, Self::Flush(_) | Self::Stopped)
    }
}

/// A stored object: its record, and its content at the start of a file.
///
/// The file does not change if the key is written again or deleted.
#[derive(Debug)]
pub(crate) struct StoredObject {
    pub(crate) record: ObjectRecord,
    pub(crate) content_bytes: u64,
    pub(crate) file: File,
}

/// The objects in one data directory, which only one store can open at a time.
///
/// Reads see only durable objects: they wait for a name that is not flushed yet. When a flush of
/// names fails, they are undone and the store stops, since the system may show what the disk does not
/// have, and a second flush would succeed without having written it.
#[derive(Debug)]
pub(crate) struct Store {
    layout: Layout,
    pending: PendingChanges,
    uploads: OpenUploads,
    /// Whether a flush of names has failed.
    stopped: AtomicBool,
    /// Held only for its lock.
    _lock: File,
}

impl Store {
    /// Creates an empty bucket atomically.
    pub(crate) fn create_bucket(&self, bucket: &BucketName) -> Result<(), StoreError> {
        self.check()?;
        if self.has_bucket(bucket)? {
            return Err(StoreError::BucketExists);
        }
        let buckets = File::open(self.layout.buckets())?;
        let staged = tempfile::tempdir_in(self.layout.staging())?;
        for shard in Layout::shards() {
            fs::create_dir(staged.path().join(shard))?;
        }
        sync_directory(staged.path())?;
        let place = self.layout.bucket(bucket);
        match fs::rename(staged.path(), &place) {
            Ok(()) => self.flush(&buckets, || fs::remove_dir_all(&place)),
            // created by another request meanwhile
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

    /// Starts an object that is invisible until published, and is removed on drop.
    pub(crate) fn stage(&self) -> Result<StagedObject, StoreError> {
        self.check()?;
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
        self.check()?;
        let sealed = staged.seal(record)?;
        self.settle(sealed, &self.layout.object(bucket, &record.key), if_taken)
    }

    /// Gives a sealed file its name, and returns once that is durable.
    fn settle(
        &self,
        sealed: NamedTempFile,
        place: &ObjectPath,
        if_taken: IfTaken,
    ) -> Result<(), StoreError> {
        let shard = open_shard(place)?;
        let _unsettled = self.pending.begin(&place.file);
        let (before, published) = match if_taken {
            IfTaken::Replace => (self.kept(place)?, sealed.persist(&place.file)),
            IfTaken::Refuse => (None, sealed.persist_noclobber(&place.file)),
        };
        match published.map_err(|refused| refused.error) {
            Ok(_) => self.flush(&shard, || match &before {
                Some(before) => fs::rename(before, &place.file),
                None => fs::remove_file(&place.file),
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(StoreError::ObjectExists)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Creates a second name of an object while it is replaced.
    fn kept(&self, place: &ObjectPath) -> io::Result<Option<NamedTempFile<()>>> {
        let link = |name: &Path| fs::hard_link(&place.file, name);
        match tempfile::Builder::new().make_in(self.layout.staging(), link) {
            Ok(kept) => Ok(Some(kept)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the object at a key, or `None`.
    pub(crate) fn open_object(
        &self,
        bucket: &BucketName,
        key: &str,
    ) -> Result<Option<StoredObject>, StoreError> {
        let opened = self.pending.read(&self.layout.object(bucket, key).file);
        self.check()?;
        let mut file = match opened {
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
        let (record, content_bytes): (ObjectRecord, _) =
            format::read(&mut file).map_err(StoreError::Damaged)?;
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
        self.check()?;
        let place = self.layout.object(bucket, key);
        let shard = open_shard(&place)?;
        let _unsettled = self.pending.begin(&place.file);
        match fs::remove_file(&place.file) {
            // it may exist again after a crash, but is not visible before
            Ok(()) => self.flush(&shard, || Ok(())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the names in a directory durable. If that fails, the store stops, and `undo` removes
    /// the new name.
    fn flush(
        &self,
        directory: &File,
        undo: impl FnOnce() -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let Err(error) = directory.sync_all() else {
            return Ok(());
        };
        // before the name is removed, so that no reader that has seen it returns it
        self.stopped.store(true, Ordering::SeqCst);
        let failure = match undo() {
            Ok(()) => error,
            Err(more) => io::Error::other(format!("{error}; undo failed: {more}")),
        };
        Err(StoreError::Flush(failure))
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.stopped.load(Ordering::SeqCst) {
            Err(StoreError::Stopped)
        } else {
            Ok(())
        }
    }
}

/// Opens the directory of an object before its names change, so that a lack of descriptors fails
/// before any change. The shards of a bucket are created with it.
fn open_shard(place: &ObjectPath) -> Result<File, StoreError> {
    File::open(&place.shard).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StoreError::NoSuchBucket,
        _ => error.into(),
    })
}

/// Makes the names in a directory durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests;
