use std::fmt;

use reqwest::Url;

use crate::{encoding::Encoding, sink::loopback::is_loopback};

/// Where a [`NatsEventSink`](super::NatsEventSink) sends events, and in which form.
#[derive(Clone)]
pub struct NatsSinkSettings {
    /// `tls://HOST[:PORT]`, or `nats://` to this machine; with `USER:PASSWORD@` or `TOKEN@`, which
    /// do not print.
    pub url: Url,
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

/// Why there is no sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NatsSinkError {
    /// Events and credentials would cross a network in the clear, or the URL says what a server's
    /// has not.
    #[error("the URL of NATS must be tls, or nats to loopback, with nothing after the port")]
    Url,
}

/// Whether nobody between us and the server can read what is sent.
pub(super) fn is_trustworthy(url: &Url) -> bool {
    let is_bare =
        matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    is_bare && (url.scheme() == "tls" || (url.scheme() == "nats" && is_loopback(url)))
}
