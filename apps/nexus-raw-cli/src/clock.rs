use std::time::{Duration, SystemTime};

use nexus_raw::{ports::Clock, time::Timestamp};

/// The wall clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the system implementation of the clock"
    )]
    fn now(&self) -> Timestamp {
        let since_1970 = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Timestamp::UNIX_EPOCH.saturating_add(since_1970)
    }
}
