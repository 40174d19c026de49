use std::time::Duration;

/// The timeouts of requests to the store. The SDK has no default timeout for an operation.
///
/// Their sum for an operation is below the deadline of a request to the service: a register makes
/// one request to the store and returns 503 within 5 s when the store hangs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// For a connection, including TLS.
    pub(crate) connect: Duration,
    /// From the sent request to the head of the response.
    pub(crate) read: Duration,
    /// For one attempt; the next one uses a new connection.
    pub(crate) attempt: Duration,
    /// For all attempts and the delays between them.
    pub(crate) operation: Duration,
    /// For the next portion of an object's body.
    pub(crate) stall: Duration,
    /// For the completion of an upload in parts, which takes minutes for a large one (Amazon S3
    /// API Reference, `CompleteMultipartUpload`). Nobody but a job waits for it.
    pub(crate) completion: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            read: Duration::from_millis(1500),
            attempt: Duration::from_millis(1500),
            operation: Duration::from_secs(4),
            stall: Duration::from_secs(10),
            completion: Duration::from_mins(10),
        }
    }
}

impl Deadlines {
    /// Those of requests that no caller waits for, such as long lists.
    pub(crate) fn unhurried(self) -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(30),
            attempt: Duration::from_secs(30),
            operation: Duration::from_secs(100),
            ..self
        }
    }

    /// Those of a request that may take as long as a completion.
    pub(crate) fn patient(self) -> Self {
        Self {
            read: self.completion,
            attempt: self.completion,
            operation: self.completion,
            ..self
        }
    }
}
