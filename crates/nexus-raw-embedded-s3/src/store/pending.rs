//! Keys with a change that is not durable yet.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A lock per key: one change at a time, and readers wait for its end.
#[derive(Debug, Default)]
pub(super) struct PendingChanges {
    files: Mutex<HashSet<PathBuf>>,
    settled: Condvar,
}

/// A change in progress, which ends on drop.
#[derive(Debug)]
pub(super) struct Change<'a> {
    of: &'a PendingChanges,
    file: PathBuf,
}

impl PendingChanges {
    /// Begins a change, after the end of any other.
    pub(super) fn begin(&self, file: &Path) -> Change<'_> {
        self.wait(file).insert(file.to_owned());
        Change {
            of: self,
            file: file.to_owned(),
        }
    }

    /// Opens a file between two changes.
    pub(super) fn read(&self, file: &Path) -> io::Result<File> {
        loop {
            drop(self.wait(file));
            let opened = File::open(file);
            // a change may have begun meanwhile, and this may be its file
            if !self.lock().contains(file) {
                return opened;
            }
        }
    }

    fn wait(&self, file: &Path) -> MutexGuard<'_, HashSet<PathBuf>> {
        let waiting = self
            .settled
            .wait_while(self.lock(), |files| files.contains(file));
        waiting.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        // no update under the lock can be left half done
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.of.lock().remove(&self.file);
        self.of.settled.notify_all();
    }
}
