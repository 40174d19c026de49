use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nexus_raw::asset::AssetId;

const TEMPLATE: &str =
    "{msg:>9} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";

/// A bar on standard error, for a person: there is none where it is no terminal.
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

    /// Starts over, with another thing to do.
    pub(crate) fn start(&self, doing: &'static str, bytes: u64) {
        self.0.set_message(doing);
        self.0.set_length(bytes);
        self.0.reset();
    }

    pub(crate) fn advance(&self, bytes: usize) {
        self.0.inc(bytes as u64);
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }

    /// Says why registering takes its time.
    pub(crate) fn note_hashing(&self, asset_id: AssetId, patience: Duration) {
        self.0.suspend(|| {
            // a lost note is no reason to stop
            let _ = writeln!(
                stderr(),
                "asset {asset_id} is uploaded; the service hashes it itself before it registers it; \
                 waiting for up to {} s",
                patience.as_secs()
            );
        });
    }

    /// Says that a request is about to be repeated, and why.
    pub(crate) fn note_retry(&self, why: &dyn std::fmt::Display, wait: Duration) {
        self.0.suspend(|| {
            // a lost note is no reason to stop
            let _ = writeln!(
                stderr(),
                "{why}; trying again in {:.1} s",
                wait.as_secs_f64()
            );
        });
    }
}
