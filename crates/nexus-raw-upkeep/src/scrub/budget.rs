use std::{
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

use nexus_raw::asset::{ByteSize, Verdict};
use tokio::time::Instant;

use super::Outcome;

/// The requests for an object that is not found as it is pinned: what took its place is looked up
/// and read, three times at most.
const REQUESTS_OF_A_SEARCH: u32 = 6;

/// What is read of a store in a second, at most and on average since the last object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScrubBudget {
    /// Bytes of objects.
    pub bytes_per_second: NonZeroU64,
    /// Requests for objects.
    pub requests_per_second: NonZeroU32,
}

impl ScrubBudget {
    /// Returns how long this much takes.
    fn time(self, bytes: u64, requests: u32) -> Duration {
        const NANOS: u128 = 1_000_000_000;
        let of_bytes = u128::from(bytes) * NANOS;
        let of_bytes = of_bytes.div_ceil(self.bytes_per_second.get().into());
        let of_requests = u128::from(requests) * NANOS;
        let of_requests = of_requests.div_ceil(self.requests_per_second.get().into());
        let nanos = of_bytes.max(of_requests);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// When the next object may be begun. Time that was not used is not made up for.
pub(super) struct Pace {
    budget: ScrubBudget,
    next: Instant,
}

impl Pace {
    pub(super) fn new(budget: ScrubBudget) -> Self {
        Self {
            budget,
            next: Instant::now(),
        }
    }

    /// Returns when the next object may be begun; it counts as begun then, or now if that is over.
    pub(super) fn next(&mut self) -> Instant {
        self.next = self.next.max(Instant::now());
        self.next
    }

    /// Counts what an object has cost since it was begun.
    pub(super) fn spend(&mut self, record_bytes: u64, outcome: &Outcome) {
        let (bytes, requests) = match outcome {
            Outcome::Elsewhere | Outcome::OtherBucket | Outcome::Unread(None, _) => return,
            Outcome::Read { verification, .. } => {
                let found = verification.size_bytes().map_or(0, ByteSize::get);
                match verification.verdict() {
                    Verdict::Intact => (found, 1),
                    // the pinned one may have been read before what took its place
                    Verdict::Corrupt | Verdict::Missing => {
                        (record_bytes.saturating_add(found), REQUESTS_OF_A_SEARCH)
                    }
                }
            }
            Outcome::Unread(Some(_), _) => (record_bytes, REQUESTS_OF_A_SEARCH),
        };
        let time = self.budget.time(bytes, requests);
        self.next = self.next.checked_add(time).unwrap_or(self.next);
    }
}
