use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use nexus_raw::{ports::Clock, time::Timestamp};

/// How much this machine's clock is ahead of the store's. A clone shares the value.
///
/// Read from the `Date` of each response (RFC 9110, section 6.6.1), also of errors: a store that
/// refuses a signature because of its time sends its own time.
#[derive(Debug, Clone)]
pub struct ClockOffset(Arc<AtomicI64>);

/// No response had a `Date` yet.
const UNKNOWN: i64 = i64::MIN;

impl ClockOffset {
    pub(crate) fn unknown() -> Self {
        Self(Arc::new(AtomicI64::new(UNKNOWN)))
    }

    /// Returns the offset of the last response in whole seconds, negative if this machine's clock
    /// is behind; `None` before the first.
    #[must_use]
    pub fn seconds(&self) -> Option<i64> {
        Some(self.0.load(Relaxed)).filter(|offset| *offset != UNKNOWN)
    }

    fn observe(&self, now: Timestamp, date: &str) {
        // a response without a valid date is ignored
        if let Ok(theirs) = DateTime::from_str(date, DateTimeFormat::HttpDate) {
            let offset = now.as_unix_seconds().saturating_sub(theirs.secs());
            self.0.store(offset, Relaxed);
        }
    }
}

/// A connector that reads the time from each response.
pub(crate) struct DateObserver {
    inner: SharedHttpConnector,
    clock: Arc<dyn Clock>,
    offset: ClockOffset,
}

impl DateObserver {
    pub(crate) fn around(
        inner: SharedHttpConnector,
        clock: Arc<dyn Clock>,
        offset: ClockOffset,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Self {
            inner,
            clock,
            offset,
        })
    }
}

impl HttpConnector for DateObserver {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.inner.call(request);
        let (clock, offset) = (Arc::clone(&self.clock), self.offset.clone());
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            if let Some(date) = answer.headers().get("date") {
                offset.observe(clock.now(), date);
            }
            Ok(answer)
        })
    }
}

impl fmt::Debug for DateObserver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DateObserver").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(date: &str) -> Option<i64> {
        let offset = ClockOffset::unknown();
        // Thu, 26 Nov 2026 01:00:00 GMT
        let now = Timestamp::from_micros(1_795_654_800_000_000).unwrap();
        offset.observe(now, date);
        offset.seconds()
    }

    #[test]
    fn the_offset_is_what_this_clock_is_ahead_by() {
        assert_eq!(seconds("Thu, 26 Nov 2026 01:00:00 GMT"), Some(0));
        assert_eq!(seconds("Thu, 26 Nov 2026 00:58:30 GMT"), Some(90));
        assert_eq!(seconds("Thu, 26 Nov 2026 01:16:40 GMT"), Some(-1000));
    }

    #[test]
    fn a_text_that_is_no_date_gives_no_offset() {
        for date in ["", "now", "2026-11-26T01:00:00Z", "Thu, 26 Nov 2026"] {
            assert_eq!(seconds(date), None, "{date:?}");
        }
    }
}
