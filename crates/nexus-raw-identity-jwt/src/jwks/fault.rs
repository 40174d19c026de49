use std::fmt;

use nexus_raw::json::JsonError;

use super::{
    algorithm::{MAX_RSA_BITS, MIN_RSA_BITS},
    set::{MAX_KEYS, MAX_SET_BYTES},
};

/// Why a text gives no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    #[error("the JWKS has no public key for the configured algorithm{}", reasons(.0))]
    NoUsableKey(Vec<DroppedKey>),
}

/// The longest list of reasons in one error.
const MAX_REASONS: usize = 16;

fn reasons(dropped: &[DroppedKey]) -> String {
    let mut reasons: Vec<String> = dropped
        .iter()
        .take(MAX_REASONS)
        .map(|key| format!("; {key}"))
        .collect();
    if dropped.len() > MAX_REASONS {
        reasons.push("; and so on".to_owned());
    }
    reasons.concat()
}

/// A key of a JWKS that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedKey {
    /// Its place in the set, from 1 on.
    pub position: usize,
    /// Its `kid`, where it has a fit one.
    pub id: Option<String>,
    /// Why it is not used.
    pub fault: KeyFault,
}

impl fmt::Display for DroppedKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "key {}", self.position)?;
        if let Some(id) = &self.id {
            write!(out, " (kid {id})")?;
        }
        write!(out, ": {}", self.fault)
    }
}

/// Why a key of a JWKS is not used. Nothing in it comes out of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// Not what RFC 7517, section 4 calls a key.
    #[error("it is no JSON object")]
    NotAnObject,
    /// Anybody could sign with it.
    #[error("it shows its private half, d")]
    Private,
    /// `key_ops` is there and does not have `verify`.
    #[error("key_ops does not have verify")]
    Operations,
    /// `kid` is there and is not what names a key.
    #[error("kid is not a valid key name")]
    KeyId,
    /// A member that says what the key is for says something else, or is missing where it must
    /// not be.
    #[error("{name} is not {wanted}")]
    Other {
        /// The member.
        name: &'static str,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// A member that holds the key itself is missing or malformed.
    #[error("{name} is missing or not base64url without padding")]
    Bytes {
        /// The member.
        name: &'static str,
    },
    /// A coordinate is of another curve.
    #[error("{name} does not have 32 bytes")]
    Length {
        /// The member.
        name: &'static str,
    },
    /// The coordinates are of no point of the curve, so nothing would ever verify.
    #[error("x and y are not a point on the curve")]
    NotOnCurve,
    /// The modulus of an RSA key is too weak, or a way to keep the verifier busy.
    #[error("n has {0} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted")]
    Bits(usize),
    /// Modulus or exponent is even, or the exponent 1.
    #[error("n and e are no RSA key")]
    NotRsa,
    /// The exponent of an RSA key is longer than any in use.
    #[error("e has more than 5 bytes")]
    Exponent,
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
