//! When the program is killed, drawn from a seed.

use std::env;

/// What ends a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The program comes by this point and kills itself.
    At(&'static str),
    /// Some microseconds after some answer.
    Anytime { micros: u64 },
    /// Some milliseconds after its start, ready or not.
    WhileStarting { millis: u64 },
}

/// The named points, as the server's feature `fail-points` has them.
const POINTS: [&str; 9] = [
    "after-signing",
    "in-presign",
    "after-intent",
    "after-head",
    "in-register",
    "after-commit",
    "after-publish",
    "in-mark",
    "after-mark",
];

/// A linear congruential generator (Knuth, MMIX): enough to spread moments, the same every run.
pub(crate) struct Random(u64);

impl Random {
    /// From `NEXUS_RAW_SEED`, or the one seed of `make test`.
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

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap();
            items.swap(last, other);
        }
    }
}

/// How the cycles end: every point in turn, in an order of its own each time, and as often at
/// random moments as a third of that.
pub(crate) fn ends(random: &mut Random) -> Vec<End> {
    let cycles = number("NEXUS_RAW_CRASH_CYCLES").unwrap_or(40);
    let cycles = usize::try_from(cycles).unwrap();
    let mut ends = Vec::with_capacity(cycles + POINTS.len());
    while ends.len() < cycles {
        let mut round: Vec<_> = POINTS.into_iter().map(End::At).collect();
        for _ in 0..2 {
            let micros = random.below(3000);
            round.push(End::Anytime { micros });
        }
        let millis = random.below(400);
        round.push(End::WhileStarting { millis });
        random.shuffle(&mut round);
        ends.extend(round);
    }
    ends.truncate(cycles);
    ends
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long and from which seed is for whoever runs the test to say"
)]
fn number(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
}
