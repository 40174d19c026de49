use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The identities of the files that the writer has opened.
///
/// A file that was deleted or moved still accepts writes and flushes from the process that has it
/// open, and they are lost. SQLite does not notice
/// (<https://www.sqlite.org/howtocorrupt.html>, section 2.4).
pub(super) struct OpenFiles([(PathBuf, Option<Identity>); 2]);

/// Device and inode.
type Identity = (u64, u64);

/// A file of the catalogue was moved or deleted.
#[derive(Debug, thiserror::Error)]
#[error("{} is no longer the file that was opened", .0.display())]
pub(super) struct Displaced(PathBuf);

impl OpenFiles {
    /// Reads the identities of the files of `database`, which must be open.
    pub(super) fn of(database: &Path) -> Self {
        let mut log = OsString::from(database);
        log.push("-wal");
        Self([database.to_owned(), log.into()].map(|path| {
            let identity = identity(&path).ok();
            (path, identity)
        }))
    }

    /// Checks that each is still at its path.
    pub(super) fn are_in_place(&self) -> Result<(), Displaced> {
        for (path, opened) in &self.0 {
            if identity(path).ok() != *opened {
                return Err(Displaced(path.clone()));
            }
        }
        Ok(())
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    let found = fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}
