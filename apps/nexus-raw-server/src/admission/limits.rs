//! Rate limits per user and tenant: token buckets, by the generic cell rate algorithm.

use std::{
    fmt,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use governor::{NotUntil, Quota, RateLimiter, clock, middleware::NoOpMiddleware};
use nexus_raw::tenancy::{Principal, TenantId, UserId};

/// The number of requests between sweeps, which remove full buckets, as a full bucket equals a
/// missing one. So the number of buckets is bounded by this number plus the requests in the time in
/// which a bucket fills. A sweep costs each request a few nanoseconds.
const SWEEP_EVERY: u32 = 4096;

/// Rate limits, or none.
#[derive(Clone, Default)]
pub struct Limits(Option<Arc<Buckets>>);

/// The caller exceeded the rate limit.
#[derive(Debug, thiserror::Error)]
#[error("rate limit exceeded")]
pub(crate) struct RateLimited {
    /// The time until the next request is admitted.
    pub(crate) wait: Duration,
}

struct Buckets {
    limiter: Limiter,
    clock: Ticks,
    burst: NonZeroU32,
    requests: AtomicU32,
}

type Limiter = RateLimiter<
    (TenantId, UserId),
    governor::state::keyed::DefaultKeyedStateStore<(TenantId, UserId)>,
    Ticks,
    NoOpMiddleware<Duration>,
>;

/// A monotonic clock, as the time since its start.
#[derive(Clone)]
struct Ticks(Arc<dyn Fn() -> Duration + Send + Sync>);

impl clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        (self.0)()
    }
}

impl Limits {
    /// Limits each user in each tenant to `requests` per second, with bursts of `burst`.
    #[must_use]
    pub fn per_second(requests: NonZeroU32, burst: NonZeroU32) -> Self {
        let began = Instant::now();
        Self::by_ticks(requests, burst, move || began.elapsed())
    }

    /// The same, with a clock of the caller's: the time since its start.
    #[must_use]
    pub fn by_ticks(
        requests: NonZeroU32,
        burst: NonZeroU32,
        ticks: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        let clock = Ticks(Arc::new(ticks));
        let quota = Quota::per_second(requests).allow_burst(burst);
        Self(Some(Arc::new(Buckets {
            limiter: RateLimiter::dashmap_with_clock(quota, clock.clone()),
            burst,
            clock,
            requests: AtomicU32::new(0),
        })))
    }

    /// Takes one token from the caller's bucket. Call it after authorization, so that only callers
    /// with a right in the tenant create buckets.
    ///
    /// # Errors
    /// [`RateLimited`] if it is empty.
    pub(crate) fn admit(&self, tenant: &TenantId, caller: &Principal) -> Result<(), RateLimited> {
        self.0.as_ref().map_or(Ok(()), |buckets| {
            buckets.take(&(tenant.clone(), caller.user().clone()))
        })
    }

    /// Takes a token for each further item of a batch, of which [`Self::admit`] has taken one. A
    /// batch costs no more than a full bucket.
    ///
    /// # Errors
    /// [`RateLimited`] if there are not as many.
    pub(crate) fn admit_items(
        &self,
        tenant: &TenantId,
        user: &UserId,
        items: usize,
    ) -> Result<(), RateLimited> {
        self.0.as_ref().map_or(Ok(()), |buckets| {
            buckets.take_more(&(tenant.clone(), user.clone()), items.saturating_sub(1))
        })
    }

    /// Returns the number of buckets in memory.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.0.as_ref().map_or(0, |buckets| buckets.limiter.len())
    }
}

impl Buckets {
    fn take(&self, key: &(TenantId, UserId)) -> Result<(), RateLimited> {
        if self.requests.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let taken = self.limiter.check_key(key);
        taken.map_err(|not_until| self.limited(&not_until))
    }

    fn take_more(&self, key: &(TenantId, UserId), tokens: usize) -> Result<(), RateLimited> {
        let most = self.burst.get() - 1;
        let tokens = u32::try_from(tokens).unwrap_or(most).min(most);
        let Some(tokens) = NonZeroU32::new(tokens) else {
            return Ok(());
        };
        match self.limiter.check_key_n(key, tokens) {
            // a bucket holds more than `most`
            Ok(Ok(())) | Err(_) => Ok(()),
            Ok(Err(not_until)) => Err(self.limited(&not_until)),
        }
    }

    fn limited(&self, not_until: &NotUntil<Duration>) -> RateLimited {
        RateLimited {
            wait: not_until.wait_time_from(clock::Clock::now(&self.clock)),
        }
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.0.is_some() {
            "Limits"
        } else {
            "NoLimits"
        };
        out.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::atomic::AtomicU64};

    use super::*;

    fn caller(name: &str) -> Principal {
        Principal::from_verified(UserId::parse(name).unwrap(), BTreeMap::new())
    }

    fn count(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    /// Limits whose time, in milliseconds, a test sets.
    fn limits(requests: u32, burst: u32) -> (Limits, Arc<AtomicU64>) {
        let millis = Arc::new(AtomicU64::new(0));
        let now = Arc::clone(&millis);
        let ticks = move || Duration::from_millis(now.load(Ordering::SeqCst));
        (
            Limits::by_ticks(count(requests), count(burst), ticks),
            millis,
        )
    }

    /// Returns the milliseconds to wait, or 0 if the request is admitted.
    fn wait(limits: &Limits, tenant: &str, user: &str) -> u128 {
        let admitted = limits.admit(&TenantId::parse(tenant).unwrap(), &caller(user));
        admitted.map_or_else(|refused| refused.wait.as_millis(), |()| 0)
    }

    #[test]
    fn a_bucket_empties_by_the_burst_and_fills_by_the_rate() {
        let (limits, millis) = limits(2, 3);
        let wait = || wait(&limits, "t_demo", "u_demo");
        assert_eq!([wait(), wait(), wait(), wait()], [0, 0, 0, 500]);
        millis.store(499, Ordering::SeqCst);
        assert_eq!(wait(), 1, "a refused request takes nothing");
        millis.store(500, Ordering::SeqCst);
        assert_eq!([wait(), wait()], [0, 500]);
        millis.store(60_000, Ordering::SeqCst);
        assert_eq!([wait(), wait(), wait(), wait()], [0, 0, 0, 500]);
    }

    #[test]
    fn a_batch_costs_a_token_an_item_and_at_most_a_full_bucket() {
        let (limits, millis) = limits(2, 10);
        let tenant = TenantId::parse("t_demo").unwrap();
        let user = UserId::parse("u_demo").unwrap();
        let batch = |items| {
            assert_eq!(wait(&limits, "t_demo", "u_demo"), 0);
            let admitted = limits.admit_items(&tenant, &user, items);
            admitted.map_or_else(|refused| refused.wait.as_millis(), |()| 0)
        };
        assert_eq!([batch(1), batch(4)], [0, 0]);
        // five are left, of which each request takes one
        assert_eq!([batch(6), batch(4)], [500, 0]);
        millis.store(60_000, Ordering::SeqCst);
        assert_eq!(batch(1000), 0);
        millis.store(65_000, Ordering::SeqCst);
        assert_eq!(batch(1000), 0);
        assert_eq!(limits.remembered(), 1);
    }

    #[test]
    fn each_user_in_each_tenant_has_a_bucket_of_its_own() {
        let (limits, _) = limits(1, 1);
        for (tenant, user) in [
            ("t_a", "u_1"),
            ("t_a", "u_2"),
            ("t_b", "u_1"),
            ("t_ab", "u_1"),
        ] {
            assert_eq!(wait(&limits, tenant, user), 0);
            assert_eq!(wait(&limits, tenant, user), 1000);
        }
    }

    #[test]
    fn what_is_full_again_is_forgotten_however_many_users_there_were() {
        let (limits, millis) = limits(1, 10);
        for user in 0..20 * SWEEP_EVERY {
            millis.store(u64::from(user), Ordering::SeqCst);
            assert_eq!(wait(&limits, "t_demo", &format!("u_{user}")), 0);
            // a bucket refills in one second, in which a thousand users come
            let most = 2000 + SWEEP_EVERY as usize;
            assert!(limits.remembered() <= most, "{}", limits.remembered());
        }
    }

    #[test]
    fn a_bucket_that_is_not_full_is_not_forgotten() {
        let (limits, _) = limits(1, 2);
        assert_eq!(wait(&limits, "t_demo", "u_busy"), 0);
        assert_eq!(wait(&limits, "t_demo", "u_busy"), 0);
        for user in 0..2 * SWEEP_EVERY {
            assert_eq!(wait(&limits, "t_demo", &format!("u_{user}")), 0);
        }
        assert!(wait(&limits, "t_demo", "u_busy") > 0);
    }

    #[test]
    fn without_limits_nothing_is_counted() {
        let limits = Limits::default();
        for _ in 0..100 {
            assert_eq!(wait(&limits, "t_demo", "u_demo"), 0);
        }
        assert_eq!(limits.remembered(), 0);
    }
}
