//! The layout of the data directory.
//!
//! ```text
//! store                        format and lock
//! staging/                     objects being written; emptied at each start
//! buckets/<bucket>/<hh>/<h…>   one file per object, named by the SHA-256 of its key
//! uploads/<id>/                one directory per open upload in parts: its record and its parts
//! ```
//!
//! A key is never a path. Its digest has a fixed length, and a file system that folds case does
//! not affect it.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::bucket_name::BucketName;
use super::upload_id::UploadId;

/// The paths under one data directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

/// The path of the file of an object or a part, and the directory that contains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectPath {
    pub(crate) shard: PathBuf,
    pub(crate) file: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("store")
    }

    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    pub(crate) fn buckets(&self) -> PathBuf {
        self.root.join("buckets")
    }

    pub(crate) fn bucket(&self, bucket: &BucketName) -> PathBuf {
        self.buckets().join(bucket.as_str())
    }

    pub(crate) fn object(&self, bucket: &BucketName, key: &str) -> ObjectPath {
        let name = object_name(key);
        let shard = self.bucket(bucket).join(&name[..2]);
        let file = shard.join(name);
        ObjectPath { shard, file }
    }

    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    pub(crate) fn upload(&self, id: &UploadId) -> PathBuf {
        self.uploads().join(id.as_str())
    }

    /// The record of an upload, which no part can have the name of.
    pub(crate) fn upload_record(directory: &Path) -> PathBuf {
        directory.join("upload")
    }

    pub(crate) fn part(&self, id: &UploadId, number: u16) -> ObjectPath {
        let shard = self.upload(id);
        let file = shard.join(format!("{number:05}"));
        ObjectPath { shard, file }
    }

    /// Returns the names of a bucket's shards, all created with the bucket.
    pub(crate) fn shards() -> impl Iterator<Item = String> {
        (0..=u8::MAX).map(|shard| hex::encode([shard]))
    }
}

fn object_name(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_odd_key_stays_in_its_bucket() {
        let layout = Layout::new(Path::new("/data"));
        let bucket = BucketName::parse("raw").unwrap();
        for key in [
            "..",
            "../../etc/passwd",
            "/abs",
            "a//b",
            "a\0b",
            &"k".repeat(1024),
        ] {
            let place = layout.object(&bucket, key);
            assert_eq!(
                place.shard.parent(),
                Some(Path::new("/data/buckets/raw")),
                "{key:?}"
            );
            assert_eq!(place.file.parent(), Some(place.shard.as_path()), "{key:?}");
        }
    }

    #[test]
    fn shards_are_every_pair_of_hex_digits() {
        let shards: Vec<_> = Layout::shards().collect();
        assert_eq!(shards.len(), 256);
        assert_eq!((shards[0].as_str(), shards[255].as_str()), ("00", "ff"));
    }

    proptest! {
        #[test]
        fn different_keys_have_different_names_of_one_shape(one in "\\PC{0,40}", other in "\\PC{0,40}") {
            let (a, b) = (object_name(&one), object_name(&other));
            prop_assert_eq!(one == other, a == b);
            prop_assert_eq!(a.len(), 64);
            prop_assert!(Layout::shards().any(|shard| a.starts_with(&shard)));
        }
    }
}
