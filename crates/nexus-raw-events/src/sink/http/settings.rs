use std::fmt;

use nexus_raw::ports::BoxError;
use reqwest::Url;
use secrecy::SecretString;

use crate::{encoding::Encoding, sink::loopback::is_loopback};

/// Where an [`HttpEventSink`](super::HttpEventSink) sends events, and in which form.
#[derive(Clone)]
pub struct HttpSinkSettings {
    /// The receiver: https, or http to this machine. It may hold a secret, and does not print.
    pub url: Url,
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
    /// Events would cross a network in the clear.
    #[error("the receiver's URL must be https, or http to loopback")]
    Url,
    /// The secret is short enough to be guessed (RFC 2104, section 3).
    #[error("the secret of signatures must have at least 32 bytes")]
    ShortSecret,
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[source] BoxError),
}

/// Whether nobody between us and the receiver can read what is sent.
pub(super) fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}
