use std::{
    io::{IsTerminal as _, Write as _, stderr},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const TEMPLATE: &str =
    "{msg:>9} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";

/// What the bar says while files are stored, and while one is hashed before.
pub(crate) const STORING: &str = "storing";
const HASHING: &str = "hashing";

/// A progress bar on standard error, shown only on a terminal.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    is_on_terminal: bool,
    is_silent: bool,
    /// How many files are hashed.
    hashing: Arc<AtomicUsize>,
}

/// The hashing of a file that may have to be stored afterwards. Until it is dropped it counts as work
/// beside that of the step, so that the bar moves.
pub(crate) struct HashingProgress {
    progress: Progress,
    bytes: u64,
    hashed: AtomicU64,
}

impl Progress {
    pub(crate) fn on_terminal() -> Self {
        if !stderr().is_terminal() {
            return Self::none();
        }
        // shown from the first step on
        let bar = ProgressBar::hidden();
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        Self {
            bar,
            is_on_terminal: true,
            is_silent: false,
            hashing: Arc::default(),
        }
    }

    pub(crate) fn none() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            is_on_terminal: false,
            is_silent: false,
            hashing: Arc::default(),
        }
    }

    /// Neither a bar nor notes.
    pub(crate) fn silent() -> Self {
        Self {
            is_silent: true,
            ..Self::none()
        }
    }

    /// Restarts the bar for another step.
    pub(crate) fn start(&self, doing: &'static str, bytes: u64) {
        if self.is_on_terminal {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_message(doing);
        self.bar.set_length(bytes);
        self.bar.reset();
    }

    pub(crate) fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Takes back what a failed attempt advanced.
    pub(crate) fn take_back(&self, bytes: u64) {
        self.bar.dec(bytes);
    }

    /// Begins to hash a file of this size while files are stored.
    pub(crate) fn hashing(&self, bytes: u64) -> HashingProgress {
        self.bar.inc_length(bytes);
        if self.hashing.fetch_add(1, Ordering::Relaxed) == 0 {
            self.bar.set_message(HASHING);
        }
        HashingProgress {
            progress: self.clone(),
            bytes,
            hashed: AtomicU64::new(0),
        }
    }

    /// Prints a line above the bar.
    pub(crate) fn note(&self, line: &str) {
        if self.is_silent {
            return;
        }
        self.bar.suspend(|| {
            // a lost note must not stop the command
            let _ = writeln!(stderr(), "{line}");
        });
    }

    /// Runs with the bar hidden, so that output is not mixed with it.
    pub(crate) fn suspended<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints why the command waits, and for how long at most.
    pub(crate) fn note_wait(&self, why: &str, timeout: Duration) {
        self.note(&format!("{why}; waiting up to {} s", timeout.as_secs()));
    }

    /// Prints that a request is about to be retried, and why.
    pub(crate) fn note_retry(&self, why: &dyn std::fmt::Display, wait: Duration) {
        self.note(&format!("{why}; retrying in {:.1} s", wait.as_secs_f64()));
    }
}

impl HashingProgress {
    pub(crate) fn advance(&self, bytes: u64) {
        self.hashed.fetch_add(bytes, Ordering::Relaxed);
        self.progress.advance(bytes);
    }
}

impl Drop for HashingProgress {
    fn drop(&mut self) {
        self.progress.take_back(self.hashed.load(Ordering::Relaxed));
        self.progress.bar.dec_length(self.bytes);
        if self.progress.hashing.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.progress.bar.set_message(STORING);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(progress: &Progress) -> (String, u64, Option<u64>) {
        let bar = &progress.bar;
        (bar.message(), bar.position(), bar.length())
    }

    #[test]
    fn hashing_is_work_beside_that_of_the_step_until_it_ends() {
        let progress = Progress::none();
        progress.start(STORING, 100);
        progress.advance(10);
        let (first, second) = (progress.hashing(30), progress.hashing(50));
        first.advance(30);
        second.advance(20);
        assert_eq!(shown(&progress), (HASHING.to_owned(), 60, Some(180)));
        drop(first);
        assert_eq!(shown(&progress), (HASHING.to_owned(), 30, Some(150)));
        // one that fails
        drop(second);
        assert_eq!(shown(&progress), (STORING.to_owned(), 10, Some(100)));
    }
}
