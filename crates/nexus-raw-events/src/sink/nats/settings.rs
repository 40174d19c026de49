use std::fmt;

use nexus_raw::net::NatsUrl;

use crate::encoding::Encoding;

/// Settings of a [`NatsEventSink`](super::NatsEventSink).
#[derive(Clone)]
pub struct NatsSinkSettings {
    /// The URL of the server.
    pub url: NatsUrl,
    /// The encoding of each event.
    pub encoding: Encoding,
}

impl fmt::Debug for NatsSinkSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("NatsSinkSettings")
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}
