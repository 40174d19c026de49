use slog::{Logger, info, warn};

/// A log of outages, with one line when failures begin and one when they end: a sink that is down
/// for an hour is two lines, not thousands.
pub(super) struct Outage {
    log: Logger,
    source: &'static str,
    failures: u64,
}

impl Outage {
    /// `source` is what may fail: `sink` or `catalogue`.
    pub(super) fn new(log: &Logger, source: &'static str) -> Self {
        Self {
            log: log.clone(),
            source,
            failures: 0,
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.failures > 0
    }

    pub(super) fn failed(&mut self, reason: &str) {
        if !self.is_on() {
            warn!(self.log, "event delivery stalled"; "by" => self.source, "reason" => reason);
        }
        self.failures = self.failures.saturating_add(1);
    }

    pub(super) fn worked(&mut self) {
        if self.is_on() {
            info!(self.log, "event delivery resumed"; "by" => self.source, "failures" => self.failures);
        }
        self.failures = 0;
    }
}
