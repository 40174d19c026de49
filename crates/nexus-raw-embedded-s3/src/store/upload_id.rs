//! Ids of uploads.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// The hex digits of milliseconds since 1970.
const TIME_CHARS: usize = 12;
const RANDOM_CHARS: usize = 24;

/// An id of an upload: the time of its begin, so that ids of one key are in that order, and random
/// letters and digits. It is one safe component of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UploadId(String);

impl UploadId {
    /// `None` for what cannot be an id.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let is_id = id.len() == TIME_CHARS + RANDOM_CHARS
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_id.then(|| Self(id.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Creates a directory for a new upload, whose name is the random part of an id.
    pub(super) fn new_directory(parent: &Path) -> io::Result<TempDir> {
        tempfile::Builder::new()
            .prefix("")
            .rand_bytes(RANDOM_CHARS)
            .tempdir_in(parent)
    }

    /// Returns the id of the upload in a new directory.
    pub(super) fn of_directory(initiated_unix_ms: u64, directory: &Path) -> io::Result<Self> {
        let name = directory.file_name().and_then(|name| name.to_str());
        let width = TIME_CHARS;
        name.and_then(|name| Self::parse(&format!("{initiated_unix_ms:0width$x}{name}")))
            .ok_or_else(|| io::Error::other("upload id cannot be made"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_safe_component_of_a_path() {
        let directory = tempfile::tempdir().unwrap();
        let new = UploadId::new_directory(directory.path()).unwrap();
        let id = UploadId::of_directory(1_795_478_400_000, new.path()).unwrap();
        assert_eq!(UploadId::parse(id.as_str()), Some(id.clone()));
        let dots = "../".repeat(12);
        for other in [
            "",
            "..",
            &id.as_str()[1..],
            &dots,
            &format!("{}a", id.as_str()),
        ] {
            assert_eq!(UploadId::parse(other), None, "{other}");
        }
    }

    #[test]
    fn ids_are_in_the_order_of_their_begin() {
        let directory = tempfile::tempdir().unwrap();
        let id = |time| {
            let new = UploadId::new_directory(directory.path()).unwrap();
            UploadId::of_directory(time, new.path()).unwrap()
        };
        assert!(id(0xfff) < id(0x1000));
    }
}
