use std::time::{Duration, SystemTime};

use nexus_raw::{
    ports::{StorageError, UploadTerms},
    time::Timestamp,
};

use crate::time::{system_time, timestamp};

/// A URL of credentials with less life than this could end before its upload begins.
const USEFUL: Duration = Duration::from_mins(1);

/// The longest life of a presigned URL: 7 days (Amazon S3 API Reference, "Authenticating
/// Requests: Using Query Parameters", `X-Amz-Expires`).
const LONGEST: Duration = Duration::from_hours(24 * 7);

/// From when to when a URL is good: in whole seconds, since signatures know no smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime {
    signed_at: Timestamp,
    seconds: u64,
}

/// There is no time in which the URL could be used.
#[derive(Debug, thiserror::Error)]
#[error("less than a second is left in which the upload is allowed")]
struct NoTimeLeft;

impl Lifetime {
    /// The longest that the terms and the signing credentials allow.
    pub(crate) fn within(
        terms: &UploadTerms<'_>,
        credentials_end: Option<SystemTime>,
    ) -> Result<Self, StorageError> {
        let signed_at = whole_second(terms.now);
        let until = |end: Timestamp| end.since(signed_at);
        let mut life = terms.ttl.min(LONGEST).min(until(terms.intent.ends_at));
        if let Some(end) = credentials_end.and_then(timestamp) {
            if end.since(terms.now) < USEFUL {
                return Err(StorageError::CredentialsEnding);
            }
            life = life.min(until(end));
        }
        match life.as_secs() {
            0 => Err(StorageError::Unavailable(Box::new(NoTimeLeft))),
            seconds => Ok(Self { signed_at, seconds }),
        }
    }

    /// A life of its own, for the probe.
    pub(crate) fn from_now(now: Timestamp, life: Duration) -> Self {
        Self {
            signed_at: whole_second(now),
            seconds: life.as_secs(),
        }
    }

    pub(crate) fn signed_at(self) -> SystemTime {
        system_time(self.signed_at)
    }

    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub(crate) fn expires_at(self) -> Timestamp {
        self.signed_at.saturating_add(self.duration())
    }
}

/// The second that an instant lies in.
fn whole_second(at: Timestamp) -> Timestamp {
    let micros = at.as_unix_seconds().saturating_mul(1_000_000);
    Timestamp::from_micros(micros).unwrap_or(at)
}
