use slog::{Logger, info, warn};

/// Tells when somebody's failing begins and when it ends, and nothing in between: a sink that is
/// down for an hour is two lines, not thousands.
pub(super) struct Outage {
    log: Logger,
    whose: &'static str,
    failures: u64,
}

impl Outage {
    /// `whose`: who is watched, `sink` or `catalogue`.
    pub(super) fn new(log: &Logger, whose: &'static str) -> Self {
        Self {
            log: log.clone(),
            whose,
            failures: 0,
        }
    }

    pub(super) fn failed(&mut self, reason: &str) {
        if self.failures == 0 {
            warn!(self.log, "event delivery is held up"; "by" => self.whose, "reason" => reason);
        }
        self.failures = self.failures.saturating_add(1);
    }

    pub(super) fn worked(&mut self) {
        if self.failures > 0 {
            info!(self.log, "event delivery goes on"; "by" => self.whose, "failures" => self.failures);
        }
        self.failures = 0;
    }
}
