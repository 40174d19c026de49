use std::time::{Duration, SystemTime};

use nexus_raw::{ports::StorageError, time::Timestamp};

use crate::time::timestamp;

/// The minimum time to the expiry of credentials, so that a URL does not expire before its upload
/// begins.
const MIN_CREDENTIALS_LIFE: Duration = Duration::from_mins(1);

/// The maximum lifetime of a presigned URL: 7 days (Amazon S3 API Reference, "Authenticating
/// Requests: Using Query Parameters", `X-Amz-Expires`).
const MAX_LIFE: Duration = Duration::from_hours(24 * 7);

/// The validity of a URL in whole seconds, the resolution of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime {
    signed_at: Timestamp,
    seconds: u64,
}

/// The error of a URL that would expire within a second.
#[derive(Debug, thiserror::Error)]
#[error("URL would expire in less than a second")]
struct NoTimeLeft;

impl Lifetime {
    /// Returns the longest lifetime from `now` that the time to live, the latest end and the end
    /// of the signing credentials allow.
    pub(crate) fn within(
        now: Timestamp,
        ttl: Duration,
        not_after: Option<Timestamp>,
        credentials_end: Option<SystemTime>,
    ) -> Result<Self, StorageError> {
        let signed_at = whole_second(now);
        let until = |end: Timestamp| end.since(signed_at);
        let mut life = ttl.min(MAX_LIFE);
        if let Some(end) = not_after {
            life = life.min(until(end));
        }
        if let Some(end) = credentials_end.and_then(timestamp) {
            if end.since(now) < MIN_CREDENTIALS_LIFE {
                return Err(StorageError::CredentialsEnding);
            }
            life = life.min(until(end));
        }
        match life.as_secs() {
            0 => Err(StorageError::Unavailable(Box::new(NoTimeLeft))),
            seconds => Ok(Self { signed_at, seconds }),
        }
    }

    /// Returns a lifetime from `now`, for the probe.
    pub(crate) fn from_now(now: Timestamp, life: Duration) -> Self {
        Self {
            signed_at: whole_second(now),
            seconds: life.as_secs(),
        }
    }

    /// Returns the time of the signature in seconds since 1970; 0 if it is earlier.
    pub(crate) fn signed_at_seconds(self) -> u64 {
        u64::try_from(self.signed_at.as_unix_seconds()).unwrap_or(0)
    }

    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub(crate) fn expires_at(self) -> Timestamp {
        self.signed_at.saturating_add(self.duration())
    }
}

/// Truncates a time to whole seconds.
fn whole_second(at: Timestamp) -> Timestamp {
    let micros = at.as_unix_seconds().saturating_mul(1_000_000);
    Timestamp::from_micros(micros).unwrap_or(at)
}
