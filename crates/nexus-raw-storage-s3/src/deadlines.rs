use std::time::Duration;

/// How long the store may take. The SDK has no bound on an operation of its own.
///
/// Those of an operation add up below the deadline of a request to the service: a register asks
/// the store once and answers 503 within 5 s when the store hangs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// For a connection, TLS included.
    pub(crate) connect: Duration,
    /// From the request sent to the answer's head.
    pub(crate) read: Duration,
    /// For one attempt; the next one begins with a fresh connection.
    pub(crate) attempt: Duration,
    /// For all attempts and the waits between them.
    pub(crate) operation: Duration,
    /// For the next portion of an object that is being read.
    pub(crate) stall: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            read: Duration::from_millis(1500),
            attempt: Duration::from_millis(1500),
            operation: Duration::from_secs(4),
            stall: Duration::from_secs(10),
        }
    }
}
