use std::fmt;

use nexus_raw::{net::TrustedUrl, ports::BoxError};
use secrecy::SecretString;

use crate::encoding::Encoding;

/// Where an [`HttpEventSink`](super::HttpEventSink) sends events, and in which form.
#[derive(Clone)]
pub struct HttpSinkSettings {
    /// The receiver.
    pub url: TrustedUrl,
    /// The form of each event.
    pub encoding: Encoding,
    /// Signs each request, where given: at least 32 bytes, shared with the receiver.
    pub secret: Option<SecretString>,
}

impl fmt::Debug for HttpSinkSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HttpSinkSettings")
            .field("encoding", &self.encoding)
            .field("signed", &self.secret.is_some())
            .finish_non_exhaustive()
    }
}

/// Why there is no sink.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSinkError {
    /// The secret is short enough to be guessed (RFC 2104, section 3).
    #[error("the secret of signatures must have at least 32 bytes")]
    ShortSecret,
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[source] BoxError),
}
