//! The metadata of an object, of an upload in parts and of a part.

use serde::{Deserialize, Serialize};

use crate::checksum::Checksum;

/// The record in an object's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// When it was written, in milliseconds since 1970.
    pub(crate) modified_unix_ms: u64,
    /// The content's MD5 in lower-case hex. Of an object in parts, that of the MD5s of its parts.
    pub(crate) md5: String,
    /// The checksum of the upload, or the one that S3 adds to an upload without one. Of an object in
    /// parts, the composite one.
    pub(crate) checksum: Option<Checksum>,
    /// `content-type` and the like, and the user metadata, unchanged, by name.
    pub(crate) headers: Vec<(String, String)>,
    /// The number of parts, of an object that was uploaded in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) part_count: Option<usize>,
}

impl ObjectRecord {
    /// Returns the `ETag`, which names the number of parts, if there are any.
    pub(crate) fn etag(&self) -> String {
        match self.part_count {
            Some(count) => format!("{}-{count}", self.md5),
            None => self.md5.clone(),
        }
    }
}

/// The record of an upload in parts: what its object will have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MultipartRecord {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// When it was begun, in milliseconds since 1970.
    pub(crate) initiated_unix_ms: u64,
    /// As in [`ObjectRecord::headers`].
    pub(crate) headers: Vec<(String, String)>,
}

/// The record in a part's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) number: u16,
    /// When it was written, in milliseconds since 1970.
    pub(crate) modified_unix_ms: u64,
    /// The content's MD5 in lower-case hex, which is the `ETag`.
    pub(crate) md5: String,
    /// The SHA-256 that the client declared; absent only from a server that misbehaves.
    pub(crate) checksum: Option<Checksum>,
}
