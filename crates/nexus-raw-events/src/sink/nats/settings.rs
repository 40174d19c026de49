use std::fmt;

use nexus_raw::net::NatsUrl;

use crate::encoding::Encoding;

/// Where a [`NatsEventSink`](super::NatsEventSink) sends events, and in which form.
#[derive(Clone)]
pub struct NatsSinkSettings {
    /// The server.
    pub url: NatsUrl,
    /// The form of each event.
    pub encoding: Encoding,
}

impl fmt::Debug for NatsSinkSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("NatsSinkSettings")
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}
