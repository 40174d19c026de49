//! The uploads that are open.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::record::MultipartRecord;
use crate::store::upload_id::UploadId;
use crate::store::{BucketName, format, layout::Layout};

/// An open upload, in the order of lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OpenUpload {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) id: UploadId,
}

impl OpenUpload {
    pub(crate) fn new(record: &MultipartRecord, id: UploadId) -> Self {
        Self {
            bucket: record.bucket.clone(),
            key: record.key.clone(),
            id,
        }
    }
}

/// The open uploads, each with the time of its begin in milliseconds since 1970. All are durable.
#[derive(Debug)]
pub(in crate::store) struct OpenUploads(Mutex<BTreeMap<OpenUpload, u64>>);

impl OpenUploads {
    /// Reads the uploads on disk. A damaged one is left where it is, and is not open.
    pub(in crate::store) fn read(layout: &Layout) -> io::Result<Self> {
        let mut uploads = BTreeMap::new();
        for entry in fs::read_dir(layout.uploads())? {
            let entry = entry?;
            let id = entry.file_name().to_str().and_then(UploadId::parse);
            let record = File::open(Layout::upload_record(&entry.path()))
                .ok()
                .and_then(|mut file| format::read::<MultipartRecord>(&mut file).ok());
            if let (Some(id), Some((record, _))) = (id, record) {
                uploads.insert(OpenUpload::new(&record, id), record.initiated_unix_ms);
            }
        }
        Ok(Self(Mutex::new(uploads)))
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn contain(&self, upload: &OpenUpload) -> bool {
        self.lock().contains_key(upload)
    }

    pub(super) fn insert(&self, upload: OpenUpload, record: &MultipartRecord) {
        self.lock().insert(upload, record.initiated_unix_ms);
    }

    pub(super) fn remove(&self, upload: &OpenUpload) {
        self.lock().remove(upload);
    }

    /// See [`Store::list_uploads`](crate::store::Store::list_uploads).
    pub(super) fn list(
        &self,
        bucket: &BucketName,
        prefix: &str,
        after: Option<(&str, Option<&str>)>,
        limit: usize,
    ) -> (Vec<(OpenUpload, u64)>, bool) {
        let is_after = |upload: &OpenUpload| match after {
            None => true,
            Some((key, None)) => upload.key.as_str() > key,
            Some((key, Some(id))) => (upload.key.as_str(), upload.id.as_str()) > (key, id),
        };
        let uploads = self.lock();
        let mut found: Vec<_> = uploads
            .iter()
            .filter(|(upload, _)| {
                upload.bucket == bucket.as_str()
                    && upload.key.starts_with(prefix)
                    && is_after(upload)
            })
            .take(limit.saturating_add(1))
            .map(|(upload, initiated)| (upload.clone(), *initiated))
            .collect();
        let has_more = found.len() > limit;
        found.truncate(limit);
        (found, has_more)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OpenUpload, u64>> {
        // no update under the lock can be left half done
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
