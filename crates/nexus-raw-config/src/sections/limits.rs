use std::num::NonZeroU32;

use crate::form::integer;
use crate::section::section;

section! {
    /// `limits.*`: the rate limits of callers.
    #[derive(Debug, Clone)]
    pub struct LimitsSettings from Limits of "limits" {
        /// Requests per second of each user in each tenant, over all environments and routes; 0
        /// means no limit.
        requests_per_second in 0..=1_000_000 = integer("0").example("50");
        /// Burst of requests; 0 means the number of requests per second. Allowed only with
        /// `limits.requests_per_second`.
        burst in 0..=1_000_000 = integer("0").example("100");

        /// The limit per tenant and user, if any.
        pub rate: Option<RateLimit> => |limits, _| Some(rate(limits));
    }
}

/// A rate limit with a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// `limits.requests_per_second`.
    pub requests_per_second: NonZeroU32,
    /// `limits.burst`: the burst; as large as `per_second` unless configured.
    pub burst: NonZeroU32,
}

fn rate(limits: &Limits) -> Option<RateLimit> {
    let rate = positive(limits.requests_per_second?)?;
    Some(RateLimit {
        requests_per_second: rate,
        burst: limits.burst.and_then(positive).unwrap_or(rate),
    })
}

fn positive(count: i64) -> Option<NonZeroU32> {
    u32::try_from(count).ok().and_then(NonZeroU32::new)
}
