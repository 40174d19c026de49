use crate::{asset::AssetId, time::Timestamp};

/// What time it is. `SystemClock` of `nexus_raw::system` (feature `system`) is the wall clock; tests
/// fix it.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: std::fmt::Debug + Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// New asset ids. `SystemAssetIds` of `nexus_raw::system` (feature `system`) has the system's
/// randomness; tests fix them.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait AssetIds: std::fmt::Debug + Send + Sync + 'static {
    /// An id that was never given before: a UUID version 7 (RFC 9562, section 5.7) of `now`, so
    /// that ids sort by time, whose random bits nobody can guess.
    fn next(&self, now: Timestamp) -> AssetId;
}
