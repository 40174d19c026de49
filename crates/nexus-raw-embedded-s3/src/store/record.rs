//! The metadata of an object.

use serde::{Deserialize, Serialize};

use crate::checksum::Checksum;

/// The record in an object's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// When it was written, in milliseconds since 1970.
    pub(crate) modified_unix_ms: u64,
    /// The content's MD5 in lower-case hex, which is the `ETag`.
    pub(crate) md5: String,
    /// The checksum of the upload, or the one that S3 adds to an upload without one.
    pub(crate) checksum: Option<Checksum>,
    /// `content-type` and the like, and the user metadata, unchanged, by name.
    pub(crate) headers: Vec<(String, String)>,
}
