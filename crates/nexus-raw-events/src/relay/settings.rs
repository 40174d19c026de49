use std::time::Duration;

use nexus_raw::ports::SinkName;

use super::Backoff;

/// How a [`Relay`](super::Relay) works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelaySettings {
    /// How many events a sink is offered at once; at least 1.
    pub batch: u32,
    /// How long the lease holds without being renewed. It is renewed after a third of this, and
    /// given up after two thirds without an answer, so that it is never used after its end. After
    /// a crash another relay takes over within four thirds of it.
    pub lease_ttl: Duration,
    /// How long an idle relay waits to be told of new events before it looks for itself.
    pub patience: Duration,
    /// How long a sink may take for one batch, and the catalogue for one answer.
    pub deadline: Duration,
    /// The waits between tries when a sink or the catalogue fails.
    pub backoff: Backoff,
    /// How often an event is offered to a sink that fails on it
    /// ([`SinkError::Failed`](nexus_raw::ports::SinkError::Failed)) before it is parked; at least 1.
    pub tries: u32,
    /// The waits between these tries.
    pub retry: Backoff,
}

/// 256 events at once, a lease of 3 s, a look each second, 5 s for each delivery, and waits of
/// 0.1 s to 3 s: a crash is made good within 4 s, an outage within 3 s of its end. An event that a
/// sink fails on is tried ten times in four minutes.
impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            batch: 256,
            lease_ttl: Duration::from_secs(3),
            patience: Duration::from_secs(1),
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
            self.patience,
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

/// Why there is no relay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// Two sinks of one name would share one cursor, and each would get a part of the events.
    #[error("two sinks are named `{0}`")]
    RepeatedSink(SinkName),
    /// `batch` is 0.
    #[error("the batch must have room for an event")]
    EmptyBatch,
    /// One of the durations is zero.
    #[error("the lease, the patience, the deadline and the waits must not be zero")]
    NoWait,
    /// `tries` is 0.
    #[error("an event must be tried once at least")]
    NoTry,
    /// `backoff.most` is below `backoff.first`, or so with `retry`.
    #[error("the longest wait must not be shorter than the first")]
    Backoff,
}
