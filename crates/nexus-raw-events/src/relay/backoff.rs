use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// An exponential backoff: `first` after the first failure, twice as long after each further one,
/// at most `most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The delay after the first failure.
    pub first: Duration,
    /// The longest delay.
    pub most: Duration,
}

impl Backoff {
    /// More doublings than any delay can have.
    const DOUBLINGS: u32 = 64;

    pub(super) fn after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(Self::DOUBLINGS);
        let mut waits = exponential(self.first, self.most).build();
        waits.nth(doublings as usize).unwrap_or(self.most)
    }
}

fn exponential(first: Duration, most: Duration) -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(first)
        .with_max_delay(most)
        .without_max_times()
}

/// The delays between retries, each a random part, from half to the whole, of the [`Backoff`], so
/// that relays that failed together do not retry together.
pub(super) struct Retry {
    backoff: Backoff,
    waits: <ExponentialBuilder as BackoffBuilder>::Backoff,
}

impl Retry {
    /// Starts with no failure.
    pub(super) fn new(backoff: Backoff) -> Self {
        // jitter adds up to the same again
        let halves = exponential(backoff.first / 2, backoff.most / 2);
        Self {
            backoff,
            waits: halves.with_jitter().build(),
        }
    }

    /// Returns the delay after one more failure.
    pub(super) fn next(&mut self) -> Duration {
        self.waits.next().unwrap_or(self.backoff.most)
    }

    /// Starts over, after a success.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.backoff);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_millis(100),
        most: Duration::from_millis(1500),
    };

    #[test]
    fn each_wait_is_from_half_to_the_whole_of_twice_the_last_up_to_the_most() {
        // the library counts seconds in 32 bits
        let rounding = Duration::from_micros(1);
        for _ in 0..100 {
            let mut retry = Retry::new(BACKOFF);
            for (failures, whole) in (1..).zip([100, 200, 400, 800, 1500, 1500, 1500]) {
                let whole = Duration::from_millis(whole);
                assert!(BACKOFF.after(failures).abs_diff(whole) < rounding);
                let wait = retry.next();
                let bounds = (whole / 2).saturating_sub(rounding)..=whole + rounding;
                assert!(bounds.contains(&wait), "{failures}: {wait:?}");
            }
        }
    }

    #[test]
    fn success_restarts_the_waits() {
        let mut retry = Retry::new(BACKOFF);
        for _ in 0..10 {
            retry.next();
        }
        retry.reset();
        assert!(retry.next() <= BACKOFF.first);
    }

    #[test]
    fn those_who_fail_together_come_back_apart() {
        let waits: std::collections::BTreeSet<_> =
            (0..100).map(|_| Retry::new(BACKOFF).next()).collect();
        assert!(waits.len() > 80, "{}", waits.len());
    }

    #[test]
    fn no_number_of_failures_overflows() {
        assert_eq!(BACKOFF.after(u32::MAX), BACKOFF.most);
        let forever = Backoff {
            first: Duration::MAX,
            most: Duration::MAX,
        };
        assert_eq!(forever.after(u32::MAX), Duration::MAX);
        let mut retry = Retry::new(forever);
        for _ in 0..100 {
            assert!(retry.next() >= Duration::MAX / 2);
        }
    }
}
