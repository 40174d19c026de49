use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::error::OpenError;

/// The right to a catalogue, held by one process at a time: a lock of the operating system on a
/// file beside it. It ends with the process, however that ends, so there is never a stale one.
///
/// SQLite's own locks let two processes take turns, which is not enough: each would believe that
/// it alone knows what was committed.
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
            // whoever could open it could hold it
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
