//! Keys whose name was changed and is not known to be durable yet.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Lets one change of a key happen at a time, and readers wait for its end.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    files: Mutex<HashSet<PathBuf>>,
    settled: Condvar,
}

/// A change under way. It has ended when this is dropped.
#[derive(Debug)]
pub(super) struct Change<'a> {
    of: &'a Unsettled,
    file: PathBuf,
}

impl Unsettled {
    /// Begins a change, once none is under way.
    pub(super) fn begin(&self, file: &Path) -> Change<'_> {
        self.wait(file).insert(file.to_owned());
        Change {
            of: self,
            file: file.to_owned(),
        }
    }

    /// Opens a file as it is between two changes.
    pub(super) fn read(&self, file: &Path) -> io::Result<File> {
        loop {
            drop(self.wait(file));
            let opened = File::open(file);
            // a change may have begun meanwhile, and this be what it made
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
        // nothing that holds the lock leaves the set between two states
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.of.lock().remove(&self.file);
        self.of.settled.notify_all();
    }
}
