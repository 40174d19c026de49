use std::time::Duration;

/// The timeouts of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// The timeout of a head, from its first byte; for the first of a connection, from its opening.
    /// Default 10 s.
    pub head: Duration,
    /// The idle timeout. Default 75 s: longer than the 60 s of common load balancers.
    pub idle: Duration,
    /// How long a caller may continue to send a refused body. Default 1 s.
    pub linger: Duration,
    /// How long a caller may read nothing of a response. Default 30 s.
    pub take: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            linger: Duration::from_secs(1),
            take: Duration::from_secs(30),
        }
    }
}
