//! Numbers drawn from a seed, which is printed.

use std::env;

/// A linear congruential generator (Knuth, MMIX): enough to spread moments, the same every run.
pub(crate) struct Random(u64);

impl Random {
    /// From `NEXUS_RAW_SEED`, or the one seed of `make test`.
    #[expect(
        clippy::print_stdout,
        reason = "a failure is reproduced with the printed seed"
    )]
    pub(crate) fn seeded() -> Self {
        let seed = number("NEXUS_RAW_SEED").unwrap_or(0x5eed);
        println!("NEXUS_RAW_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A number from the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "the environment sets how long a test runs, and its seed"
)]
pub(crate) fn number(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap())
}
