use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::error::OpenError;

/// An exclusive lock on a catalogue: a lock of the operating system on the file `….lock` beside it.
/// It ends with the process, so it is never stale.
///
/// SQLite's own locks are not enough, since they let two processes write in turn.
#[derive(Debug)]
pub(super) struct CatalogLock {
    _held: File,
}

impl CatalogLock {
    pub(super) fn take(catalog: &Path) -> Result<Self, OpenError> {
        let path = beside(catalog);
        let unreachable = |error: std::io::Error| OpenError::Unreachable(Box::new(error));
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            // a process that can open the file can hold the lock
            .mode(0o600)
            .open(&path)
            .map_err(unreachable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _held: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
                catalog: catalog.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(unreachable(error)),
        }
    }
}

fn beside(catalog: &Path) -> PathBuf {
    let mut path = OsString::from(catalog);
    path.push(".lock");
    path.into()
}
