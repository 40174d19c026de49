use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use nexus_raw::{ports::Clock, time::Timestamp};

/// A clock that only a test advances.
#[derive(Debug)]
pub struct FixedClock {
    micros: AtomicI64,
}

impl FixedClock {
    /// Creates a clock at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            micros: AtomicI64::new(now.as_micros()),
        }
    }

    /// Sets the clock, forwards or back.
    pub fn set(&self, now: Timestamp) {
        self.micros.store(now.as_micros(), Ordering::SeqCst);
    }

    /// Advances the clock.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by));
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst)).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn it_changes_only_when_set() {
        let clock = FixedClock::at(sample::now());
        assert_eq!((clock.now(), clock.now()), (sample::now(), sample::now()));
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().to_string(), "2026-11-24T01:01:30Z");
        clock.set(sample::now());
        assert_eq!(clock.now(), sample::now());
    }
}
