use std::sync::atomic::{AtomicU64, Ordering};

use nexus_raw::{asset::AssetId, ports::AssetIds, time::Timestamp};
use uuid::Uuid;

/// Valid asset ids (UUID version 7 of the given time) that are the same in every run: they have the
/// seed and a counter instead of random bits.
#[derive(Debug)]
pub struct SequentialIds {
    seed: u64,
    given: AtomicU64,
}

impl SequentialIds {
    /// Creates a source of ids. Those of different seeds do not collide within 2^32 ids.
    #[must_use]
    pub fn seeded(seed: u32) -> Self {
        Self {
            seed: u64::from(seed) << 32,
            given: AtomicU64::new(0),
        }
    }
}

impl AssetIds for SequentialIds {
    fn next(&self, now: Timestamp) -> AssetId {
        let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
        let tail = self.seed + self.given.fetch_add(1, Ordering::SeqCst);
        AssetId::from_uuid(v7(millis, tail))
    }
}

/// Returns the UUID version 7 (RFC 9562, section 5.7) of this time, with `tail` as its random bits.
pub(crate) fn v7(unix_millis: u64, tail: u64) -> Uuid {
    const VERSION: u128 = 0x7 << 76;
    const VARIANT: u128 = 0b10 << 62;
    let tail = u128::from(tail);
    // 12 random bits before the variant, 62 after it
    let random = (tail >> 62 & 0xfff) << 64 | tail & ((1 << 62) - 1);
    Uuid::from_u128(u128::from(unix_millis) << 80 | VERSION | VARIANT | random)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sample;

    #[test]
    fn ids_are_distinct_version_7_and_the_same_in_every_run() {
        let ids = SequentialIds::seeded(7);
        let given: BTreeSet<AssetId> = (0..100).map(|_| ids.next(sample::now())).collect();
        assert_eq!(given.len(), 100);
        assert!(given.iter().all(|id| id.as_uuid().get_version_num() == 7));
        let again = SequentialIds::seeded(7).next(sample::now());
        assert_eq!(given.first(), Some(&again));
        assert_eq!(again.to_string(), "01a20b11-1a80-7000-8000-000700000000");
        assert!(!given.contains(&SequentialIds::seeded(8).next(sample::now())));
    }

    #[test]
    fn ids_sort_by_time() {
        let ids = SequentialIds::seeded(7);
        let later = ids.next(sample::seconds_after(1));
        assert!(ids.next(sample::now()) < later);
    }
}
