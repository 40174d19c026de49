use std::time::Duration;

use nexus_raw::ports::SinkName;

use super::Backoff;

/// Settings of a [`Relay`](super::Relay).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelaySettings {
    /// How many events a sink is offered at once; at least 1.
    pub batch: u32,
    /// How long the lease is valid without renewal. It is renewed after a third of this, and given
    /// up after two thirds without an answer, so that it is never used after it expires. After a
    /// crash another relay takes over within four thirds of it.
    pub lease_ttl: Duration,
    /// How long events gather after a delivery that left none, since each delivery wakes several
    /// threads; may be zero. An event after a quiet time is delivered at once.
    pub gather: Duration,
    /// The longest time between polls for new events, when no commit wakes an idle relay.
    pub poll_interval: Duration,
    /// The timeout of a sink for one batch, and of the catalogue for one answer.
    pub deadline: Duration,
    /// The delays between retries when a sink or the catalogue fails.
    pub backoff: Backoff,
    /// How often an event is offered to a sink that fails on it
    /// ([`SinkError::Failed`](nexus_raw::ports::SinkError::Failed)) before it is parked; at least 1.
    pub tries: u32,
    /// The delays between these attempts.
    pub retry: Backoff,
}

/// 256 events at once, a lease of 3 s, 5 ms to gather, a poll each second, 5 s for each delivery,
/// and delays of 0.1 s to 3 s: delivery resumes within 4 s of a crash and 3 s of the end of an
/// outage. An event that a sink fails on is tried ten times in four minutes.
impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            batch: 256,
            lease_ttl: Duration::from_secs(3),
            gather: Duration::from_millis(5),
            poll_interval: Duration::from_secs(1),
            deadline: Duration::from_secs(5),
            backoff: Backoff {
                first: Duration::from_millis(100),
                most: Duration::from_secs(3),
            },
            tries: 10,
            retry: Backoff {
                first: Duration::from_secs(1),
                most: Duration::from_mins(1),
            },
        }
    }
}

impl RelaySettings {
    pub(super) fn check(&self) -> Result<(), RelayError> {
        let waits = [
            self.lease_ttl,
            self.poll_interval,
            self.deadline,
            self.backoff.first,
            self.retry.first,
        ];
        if self.batch == 0 {
            Err(RelayError::EmptyBatch)
        } else if self.tries == 0 {
            Err(RelayError::NoTry)
        } else if waits.contains(&Duration::ZERO) {
            Err(RelayError::NoWait)
        } else if self.backoff.most < self.backoff.first || self.retry.most < self.retry.first {
            Err(RelayError::Backoff)
        } else {
            Ok(())
        }
    }
}

/// The error of relay settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// Two sinks with one name would share a cursor, and each would get only some of the events.
    #[error("sink name is repeated: `{0}`")]
    RepeatedSink(SinkName),
    /// `batch` is 0.
    #[error("batch size is zero")]
    EmptyBatch,
    /// One of the durations is zero.
    #[error("lease, poll interval, deadline or delay is zero")]
    NoWait,
    /// `tries` is 0.
    #[error("number of tries is zero")]
    NoTry,
    /// `most` is below `first` in `backoff` or `retry`.
    #[error("longest delay is shorter than the first")]
    Backoff,
}
