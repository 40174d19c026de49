use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The files that the writer writes to, as they were when it had opened them.
///
/// A file that is deleted, or moved with its directory, takes writes and flushes as before from
/// whoever has it open, and is gone with them: SQLite does not notice
/// (<https://www.sqlite.org/howtocorrupt.html>, section 2.4).
pub(super) struct OpenFiles([(PathBuf, Option<Identity>); 2]);

/// The device, and the file on it.
type Identity = (u64, u64);

/// A file of the catalogue is not where it was.
#[derive(Debug, thiserror::Error)]
#[error("{} is no longer the file that was opened", .0.display())]
pub(super) struct Displaced(PathBuf);

impl OpenFiles {
    /// Those of the catalogue in `database`, which must be open.
    pub(super) fn of(database: &Path) -> Self {
        let mut log = OsString::from(database);
        log.push("-wal");
        Self([database.to_owned(), log.into()].map(|path| {
            let identity = identity(&path).ok();
            (path, identity)
        }))
    }

    /// Whether each is still found at its path.
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
