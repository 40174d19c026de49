use nexus_raw::json::JsonError;

use super::set::{MAX_KEYS, MAX_SET_BYTES};

/// Why a text gives no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksFault {
    /// Longer than any set we read.
    #[error("the JWKS is longer than {MAX_SET_BYTES} bytes")]
    TooLong,
    /// Not one strict JSON text.
    #[error("the JWKS is no JSON to be read")]
    Json(#[source] JsonError),
    /// No object with an array `keys` (RFC 7517, section 5).
    #[error("the JWKS is no object with an array of keys")]
    NotASet,
    /// More keys than an issuer has.
    #[error("the JWKS has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// Every key is of another algorithm or use, too small, or malformed.
    #[error("the JWKS has no public key for the configured algorithm")]
    NoUsableKey,
}

/// Why keys could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("the JWKS file cannot be read")]
    File(#[source] std::io::Error),
    #[error("the JWKS cannot be fetched")]
    Fetch(#[source] reqwest::Error),
    #[error("the answer to the fetch of the JWKS has status {0}")]
    Status(u16),
    #[error(transparent)]
    Set(#[from] JwksFault),
}
