//! The objects of a bucket in the order of their keys.
//!
//! Keys are not in the names of files, so each page reads the record of every object; it keeps no more
//! of them than a page has.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use super::layout::Layout;
use super::{BucketName, ObjectRecord, Store, StoreError, format};

/// An object of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedObject {
    pub(crate) record: ObjectRecord,
    pub(crate) content_bytes: u64,
}

impl Store {
    /// Returns up to `limit` objects whose keys start with `prefix` and are above `after`, and whether
    /// there are more.
    pub(crate) fn list_objects(
        &self,
        bucket: &BucketName,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<ListedObject>, bool), StoreError> {
        self.check()?;
        let place = self.layout.bucket(bucket);
        let mut first: BTreeMap<String, ListedObject> = BTreeMap::new();
        for shard in Layout::shards() {
            let files = fs::read_dir(place.join(shard)).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => StoreError::NoSuchBucket,
                _ => error.into(),
            })?;
            for file in files {
                let mut file = match self.pending.read(&file?.path()) {
                    Ok(file) => file,
                    // deleted meanwhile
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error.into()),
                };
                let (record, content_bytes): (ObjectRecord, _) =
                    format::read(&mut file).map_err(StoreError::Damaged)?;
                let is_after = after.is_none_or(|after| record.key.as_str() > after);
                if !is_after || !record.key.starts_with(prefix) {
                    continue;
                }
                let key = record.key.clone();
                let object = ListedObject {
                    record,
                    content_bytes,
                };
                first.insert(key, object);
                if first.len() > limit.saturating_add(1) {
                    first.pop_last();
                }
            }
        }
        self.check()?;
        let has_more = first.len() > limit;
        Ok((first.into_values().take(limit).collect(), has_more))
    }
}
