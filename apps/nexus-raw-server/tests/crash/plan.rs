//! When the program is killed, drawn from a seed.

use nexus_raw_testkit::{Random, env_number};

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
const POINTS: [&str; 12] = [
    "after-signing",
    "in-presign",
    "after-intent",
    "after-begin",
    "after-completion",
    "after-abort",
    "after-head",
    "in-register",
    "after-commit",
    "after-publish",
    "in-mark",
    "after-mark",
];

/// How the cycles end: every point in turn, in an order of its own each time, and as often at
/// random moments as a quarter of that.
pub(crate) fn ends(random: &mut Random) -> Vec<End> {
    // every point twice
    let cycles = env_number("NEXUS_RAW_CRASH_CYCLES").unwrap_or(30);
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
