use std::fmt;

use nexus_raw::{net::TrustedUrl, ports::BoxError};
use secrecy::SecretString;

use crate::encoding::Encoding;

/// Settings of an [`HttpEventSink`](super::HttpEventSink).
#[derive(Clone)]
pub struct HttpSinkSettings {
    /// The URL of the receiver.
    pub url: TrustedUrl,
    /// The encoding of each event.
    pub encoding: Encoding,
    /// The secret, shared with the receiver, that signs each request, if any: at least 32 bytes.
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

/// The error of creating an HTTP sink.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSinkError {
    /// The secret is short enough to be guessed (RFC 2104, section 3).
    #[error("signing secret is shorter than 32 bytes")]
    ShortSecret,
    /// The HTTP client could not be created.
    #[error("HTTP client could not be created")]
    Client(#[source] BoxError),
}
