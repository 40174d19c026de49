//! What the store knows of an object beside its content.

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
    /// The checksum that the upload carried, or the one that S3 adds where it carried none.
    pub(crate) checksum: Option<Checksum>,
    /// `content-type`, its like and the user metadata, as they came, by name.
    pub(crate) headers: Vec<(String, String)>,
}
