use std::fmt;

use strict_json::JsonError;

use super::{
    algorithm::{MAX_RSA_BITS, MIN_RSA_BITS},
    set::{MAX_KEYS, MAX_SET_BYTES},
};

/// The error of reading a JWKS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksFault {
    /// The JWKS is too long.
    #[error("the JWKS is longer than {MAX_SET_BYTES} bytes")]
    TooLong,
    /// The JWKS is not strict JSON.
    #[error("the JWKS is not valid JSON")]
    Json(#[source] JsonError),
    /// The JWKS is not an object with an array `keys` (RFC 7517, section 5).
    #[error("the JWKS is not an object with an array of keys")]
    NotASet,
    /// The JWKS has too many keys.
    #[error("the JWKS has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// Every key is of another algorithm or use, too small, or malformed.
    #[error("the JWKS has no public key for the configured algorithm{}", reasons(.0))]
    NoUsableKey(Vec<DroppedKey>),
}

/// The maximum number of reasons in one error.
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

/// An ignored key of a JWKS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedKey {
    /// Its position in the set, from 1.
    pub position: usize,
    /// Its `kid`, if valid.
    pub id: Option<String>,
    /// Why it is ignored.
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

/// Why a key of a JWKS is ignored. It contains nothing from the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// It is not a key (RFC 7517, section 4).
    #[error("it is not a JSON object")]
    NotAnObject,
    /// It contains its private key.
    #[error("it contains its private key, d")]
    Private,
    /// `key_ops` is present without `verify`.
    #[error("key_ops does not contain verify")]
    Operations,
    /// `kid` is present and not a valid key id.
    #[error("kid is not a valid key name")]
    KeyId,
    /// A member about the use of the key has another value, or is required and missing.
    #[error("{name} is not {wanted}")]
    Other {
        /// The member.
        name: &'static str,
        /// The expected value.
        wanted: &'static str,
    },
    /// A member of the key itself is missing or malformed.
    #[error("{name} is missing or not base64url without padding")]
    Bytes {
        /// The member.
        name: &'static str,
    },
    /// A coordinate has the wrong length.
    #[error("{name} does not have 32 bytes")]
    Length {
        /// The member.
        name: &'static str,
    },
    /// The coordinates are not a point on the curve.
    #[error("x and y are not a point on the curve")]
    NotOnCurve,
    /// The modulus of an RSA key is too short or too long.
    #[error("n has {0} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted")]
    Bits(usize),
    /// Modulus or exponent is even, or the exponent 1.
    #[error("n and e are not an RSA key")]
    NotRsa,
    /// The exponent of an RSA key is longer than any in use.
    #[error("e has more than 5 bytes")]
    Exponent,
}

/// The error of loading keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("the JWKS file cannot be read")]
    File(#[source] std::io::Error),
    #[error("the JWKS cannot be fetched")]
    Fetch(#[source] reqwest::Error),
    #[error("the JWKS request returned status {0}")]
    Status(u16),
    #[error(transparent)]
    Set(#[from] JwksFault),
}
