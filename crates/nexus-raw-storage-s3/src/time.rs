use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_smithy_async::time::TimeSource;
use nexus_raw::{ports::Clock, time::Timestamp};

/// The service's clock as the SDK's time source.
#[derive(Clone)]
pub(crate) struct ClockTimeSource(pub(crate) Arc<dyn Clock>);

impl TimeSource for ClockTimeSource {
    fn now(&self) -> SystemTime {
        system_time(self.0.now())
    }
}

impl fmt::Debug for ClockTimeSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ClockTimeSource")
    }
}

/// Converts a time of the SDK to the domain's; `None` beyond the year 9999.
pub(crate) fn timestamp(at: SystemTime) -> Option<Timestamp> {
    let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since_epoch.as_micros()).ok()?;
    Timestamp::from_micros(micros).ok()
}

/// Converts a time of the domain to the SDK's; 1970 if it is earlier.
pub(crate) fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(at.as_micros()).unwrap_or(0))
}
