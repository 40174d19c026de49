use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

/// How long to wait before another try: `first` after the first failure, twice as long after each
/// further one, never more than `most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub most: Duration,
}

impl Backoff {
    pub(super) fn after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.most)
    }
}

/// The waits of one who tries again and again.
///
/// Each wait is between half and the whole of what [`Backoff`] says, so that relays that failed
/// together do not come back together. Which, is a hash of who waits and for which time: there is
/// no randomness to fix in a test.
pub(super) struct Retry {
    backoff: Backoff,
    seed: u64,
    failures: u32,
}

impl Retry {
    /// Starts with no failure. `who` tells those apart that should not wait alike.
    pub(super) fn new(backoff: Backoff, who: impl Hash) -> Self {
        Self {
            backoff,
            seed: hash(who),
            failures: 0,
        }
    }

    /// The wait after one more failure.
    pub(super) fn next(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let wait = self.backoff.after(self.failures);
        let parts = u32::try_from(hash((self.seed, self.failures)) % 1024).unwrap_or(0);
        wait / 2 + wait / 2 / 1024 * parts
    }

    /// Starts anew: something has worked.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
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
        for who in 0..100 {
            let mut retry = Retry::new(BACKOFF, who);
            for whole in [100, 200, 400, 800, 1500, 1500, 1500] {
                let whole = Duration::from_millis(whole);
                let wait = retry.next();
                assert!(wait >= whole / 2 && wait <= whole, "{who}: {wait:?}");
            }
        }
    }

    #[test]
    fn success_starts_the_waits_anew() {
        let mut retry = Retry::new(BACKOFF, 1);
        let first = retry.next();
        assert_ne!(retry.next(), first);
        retry.reset();
        assert_eq!(retry.next(), first);
    }

    #[test]
    fn those_who_fail_together_come_back_apart() {
        let waits: std::collections::BTreeSet<_> = (0..100)
            .map(|who| Retry::new(BACKOFF, who).next())
            .collect();
        assert!(waits.len() > 80, "{}", waits.len());
    }

    #[test]
    fn no_number_of_failures_overflows() {
        let forever = Backoff {
            first: Duration::MAX,
            most: Duration::MAX,
        };
        let mut retry = Retry::new(forever, 1);
        retry.failures = u32::MAX;
        assert!(retry.next() >= Duration::MAX / 2);
    }
}
