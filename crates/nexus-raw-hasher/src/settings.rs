use std::time::Duration;

/// Limits and timeouts of work on objects.
#[derive(Debug, Clone, Copy)]
pub struct WorkerSettings {
    /// How long a caller waits for an outcome before it gets `WorkProgress::Pending`.
    pub wait_timeout: Duration,
    /// How many objects with waiting callers are read at once.
    pub awaited_at_once: usize,
    /// How many objects in the background are read at once.
    pub background_at_once: usize,
    /// How long a claim is valid without renewal. It is renewed after a third of this.
    pub lease: Duration,
}

impl WorkerSettings {
    /// Returns settings for a request timeout: callers wait a third of it, since the requests to the
    /// store and the catalogue need the rest.
    #[must_use]
    pub fn within(request_timeout: Duration) -> Self {
        Self {
            wait_timeout: request_timeout / 3,
            awaited_at_once: 8,
            background_at_once: 2,
            lease: Duration::from_secs(30),
        }
    }
}
