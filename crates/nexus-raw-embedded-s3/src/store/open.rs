//! Opening a data directory.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use super::layout::Layout;
use super::multipart::OpenUploads;
use super::pending::PendingChanges;
use super::{AtomicBool, Store, sync_directory};

/// The content of the file that is both format and lock.
const FORMAT: &str = "nexus-raw-embedded-s3 format 1\n";

/// The error of opening a data directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("directory is in use by another store")]
    InUse,
    #[error("directory has an unknown format")]
    UnknownFormat,
    #[error("directory cannot be read or written")]
    Io(#[from] io::Error),
}

impl Store {
    /// Opens the store in `root`, created only for its owner if absent, and removes files that a
    /// crash left half-written.
    pub(crate) fn open(root: &Path) -> Result<Self, OpenError> {
        let layout = Layout::new(root);
        let is_new = !root.try_exists()?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(layout.buckets())?;
        let lock = lock(&layout)?;
        match fs::remove_dir_all(layout.staging()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => fs::create_dir(layout.staging())?,
        }
        match fs::create_dir(layout.uploads()) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        sync_directory(layout.root())?;
        if is_new {
            sync_directory(&root.join(".."))?;
        }
        Ok(Self {
            uploads: OpenUploads::read(&layout)?,
            layout,
            pending: PendingChanges::default(),
            stopped: AtomicBool::new(false),
            _lock: lock,
        })
    }
}

fn lock(layout: &Layout) -> Result<File, OpenError> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(layout.lock())?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::InUse,
        TryLockError::Error(error) => OpenError::Io(error),
    })?;
    let mut format = String::new();
    file.read_to_string(&mut format)?;
    if format == FORMAT {
        return Ok(file);
    }
    // a crash during the first start may leave a part of the line
    if !FORMAT.starts_with(&format) {
        return Err(OpenError::UnknownFormat);
    }
    file.write_all(&FORMAT.as_bytes()[format.len()..])?;
    file.sync_all()?;
    Ok(file)
}
