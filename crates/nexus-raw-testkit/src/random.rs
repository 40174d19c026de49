use std::env;

/// Draws that are the same in each run with the same seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Begins a sequence.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Begins a sequence by `NEXUS_RAW_SEED`, or the one seed of `make test`, and prints the seed.
    #[expect(
        clippy::print_stdout,
        reason = "a failure is reproduced with the printed seed"
    )]
    #[must_use]
    pub fn printed() -> Self {
        let seed = env_number("NEXUS_RAW_SEED").unwrap_or(0x5eed);
        println!("NEXUS_RAW_SEED={seed}");
        Self(seed)
    }

    /// Draws a number below `bound`.
    pub fn below<N: TryInto<u64> + TryFrom<u64>>(&mut self, bound: N) -> N {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let bound = bound.try_into().ok().unwrap();
        (mixed % bound).try_into().ok().unwrap()
    }

    /// Puts items into another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Returns a number from the environment, which sets how long a test runs.
#[expect(clippy::disallowed_methods, reason = "a test takes no other input")]
#[must_use]
pub fn env_number(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_the_seed_and_below_the_bound() {
        let drawn = |seed| {
            let mut random = Random::seeded(seed);
            [(); 20].map(|()| random.below(1000_u64))
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        assert!(drawn(7).into_iter().all(|it| it < 1000));
        let mut random = Random::seeded(7);
        let mut items: Vec<usize> = (0..50).collect();
        random.shuffle(&mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert!(items.into_iter().eq(0..50));
    }
}
