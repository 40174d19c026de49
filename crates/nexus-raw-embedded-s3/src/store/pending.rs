//! Keys with a change that is not durable yet.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A lock per key: one change at a time, and readers wait for its end.
#[derive(Debug, Default)]
pub(super) struct PendingChanges {
    pending: Mutex<Pending>,
    settled: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    files: HashSet<PathBuf>,
    /// The number of threads that wait for the end of a change. Without one nobody is woken, which
    /// is a system call.
    waiting: usize,
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
        self.wait(file).files.insert(file.to_owned());
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
            if !self.lock().files.contains(file) {
                return opened;
            }
        }
    }

    fn wait(&self, file: &Path) -> MutexGuard<'_, Pending> {
        let mut pending = self.lock();
        while pending.files.contains(file) {
            pending.waiting += 1;
            pending = self
                .settled
                .wait(pending)
                .unwrap_or_else(PoisonError::into_inner);
            pending.waiting -= 1;
        }
        pending
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // no update under the lock can be left half done
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let mut pending = self.of.lock();
        pending.files.remove(&self.file);
        if pending.waiting > 0 {
            self.of.settled.notify_all();
        }
    }
}
