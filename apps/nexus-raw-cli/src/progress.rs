use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const TEMPLATE: &str =
    "{msg:>9} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";

/// A progress bar on standard error, shown only on a terminal.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    is_on_terminal: bool,
    is_silent: bool,
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
        }
    }

    pub(crate) fn none() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            is_on_terminal: false,
            is_silent: false,
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
