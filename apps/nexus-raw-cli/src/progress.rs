use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const TEMPLATE: &str =
    "{msg:>9} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";

/// A progress bar on standard error, shown only on a terminal.
#[derive(Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn on_terminal() -> Self {
        if !stderr().is_terminal() {
            return Self::none();
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(crate) fn none() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Restarts the bar for another step.
    pub(crate) fn start(&self, doing: &'static str, bytes: u64) {
        self.0.set_message(doing);
        self.0.set_length(bytes);
        self.0.reset();
    }

    pub(crate) fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Takes back what a failed attempt advanced.
    pub(crate) fn take_back(&self, bytes: u64) {
        self.0.dec(bytes);
    }

    /// Prints a line above the bar.
    pub(crate) fn note(&self, line: &str) {
        self.0.suspend(|| {
            // a lost note must not stop the command
            let _ = writeln!(stderr(), "{line}");
        });
    }

    /// Runs with the bar hidden, so that output is not mixed with it.
    pub(crate) fn suspended<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
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
