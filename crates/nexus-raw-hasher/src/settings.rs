use std::time::Duration;

/// How much is hashed at once, and how long things may take.
#[derive(Debug, Clone, Copy)]
pub struct HashingSettings {
    /// How long a caller waits for a digest before it is told to ask again.
    pub patience: Duration,
    /// How many objects are read at once whose callers wait.
    pub awaited_at_once: usize,
    /// How many objects are read at once that are over the limit of waiting.
    pub background_at_once: usize,
    /// How long a claim lasts unless it is renewed, which is done after a third of it.
    pub lease: Duration,
}

impl HashingSettings {
    /// Within a request that may take `request_timeout`: a third of it, since the look at the
    /// store and the catalogue need theirs.
    #[must_use]
    pub fn within(request_timeout: Duration) -> Self {
        Self {
            patience: request_timeout / 3,
            awaited_at_once: 8,
            background_at_once: 2,
            lease: Duration::from_secs(30),
        }
    }
}
