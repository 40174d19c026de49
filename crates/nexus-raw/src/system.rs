//! A ready clock and maker of asset ids, of this machine's time and randomness: what most who embed
//! the service give to it.
//!
//! Behind the feature `system`. Nothing else of this crate reads a clock or draws at random.

mod random;

use std::time::SystemTime;

use crate::{
    asset::AssetId,
    ports::{AssetIds, Clock},
    time::Timestamp,
};

pub use random::random_bytes;

/// The wall clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one reader of the wall clock"
        )]
        let since_epoch = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let micros = i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX);
        #[expect(
            clippy::expect_used,
            reason = "no record of a machine that is beyond the year 9999 would be right"
        )]
        Timestamp::from_micros(micros).expect("the clock is set to a year before 10000")
    }
}

/// Asset ids of the system's time and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemAssetIds;

impl AssetIds for SystemAssetIds {
    fn next(&self, now: Timestamp) -> AssetId {
        let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
        let random = random_bytes();
        AssetId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_id_is_a_uuid_of_version_seven_with_its_time() {
        let now = Timestamp::from_micros(1_764_000_000_123_456).unwrap();
        let (one, other) = (SystemAssetIds.next(now), SystemAssetIds.next(now));
        assert_ne!(one, other);
        assert_eq!(one.as_uuid().get_version_num(), 7);
        assert_eq!(one.as_uuid().as_u128() >> 80, 1_764_000_000_123);
    }

    #[test]
    fn the_clock_does_not_run_backwards_over_a_call() {
        let before = SystemClock.now();
        assert!(SystemClock.now() >= before);
        assert!(before > Timestamp::from_micros(1_700_000_000_000_000).unwrap());
    }
}
