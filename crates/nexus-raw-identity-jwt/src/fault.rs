use std::fmt;

use nexus_raw::json::JsonError;

/// Which part of a compact JWS a fault lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first: the JOSE header.
    Header,
    /// The second: the claims.
    Claims,
    /// The third: the signature.
    Signature,
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Header => "header",
            Self::Claims => "claims",
            Self::Signature => "signature",
        })
    }
}

/// What is wrong with a token, or why that cannot be said.
///
/// For the log alone: a caller learns nothing of it. No variant holds anything that came out of
/// the token, names of claims included: those are our own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// Longer than any token we read.
    #[error("the token is longer than {limit} bytes")]
    TooLong {
        /// The longest token, in bytes.
        limit: usize,
    },
    /// Not a JWS in compact form (RFC 7515, section 3.1).
    #[error("the token has not exactly three parts")]
    NotThreeParts,
    /// Not base64url as RFC 7515, section 2 has it: padding, the standard alphabet, spare bits.
    #[error("the {0} is not base64url without padding")]
    Base64(Part),
    /// Not one strict JSON text.
    #[error("the {part} is no JSON to be read")]
    Json {
        /// Where.
        part: Part,
        /// Why.
        source: JsonError,
    },
    /// JSON, but no object.
    #[error("the {0} is no JSON object")]
    NotAnObject(Part),
    /// A header parameter that would change how, or with which key, the token is verified.
    #[error("the header has {name}, which is not allowed")]
    HeaderForbidden {
        /// The parameter.
        name: &'static str,
    },
    /// A header parameter that is no string.
    #[error("{name} of the header is no string")]
    HeaderType {
        /// The parameter.
        name: &'static str,
    },
    /// `typ` says that the token is for another use.
    #[error("the header says that the token is for another use")]
    Type,
    /// `alg` is missing or not exactly the configured one.
    #[error("the header names no algorithm, or another than the configured one")]
    Algorithm,
    /// `kid` is not what names a key: a path, SQL, or something longer.
    #[error("kid of the header is not a valid key name")]
    KeyId,
    /// The JWKS has no key that `kid` names; or `kid` is missing, and it has not exactly one key.
    #[error("the header names none of the keys, or does not say which one of several")]
    UnknownKey,
    /// No key set has come yet, or the last one is too old to be believed: nothing is wrong with
    /// the token, as far as can be seen without a key.
    #[error("there are no keys to verify the token with")]
    NoKeys,
    /// No configured key made this signature for these bytes.
    #[error("the signature is not by a configured key")]
    Signature,
    /// A required claim is missing.
    #[error("the claim {name} is missing")]
    ClaimMissing {
        /// The claim.
        name: &'static str,
    },
    /// A claim has the wrong JSON type, or a number is beyond 64 bits.
    #[error("the claim {name} is of a wrong type")]
    ClaimType {
        /// The claim, as configured.
        name: String,
    },
    /// A claim that binds the token to what is not looked at here.
    #[error("the token has the claim {name}, which is not allowed")]
    ClaimForbidden {
        /// The claim.
        name: &'static str,
    },
    /// `iss` is somebody else.
    #[error("the token is by another issuer")]
    Issuer,
    /// `aud` does not contain us.
    #[error("the token is for another audience")]
    Audience,
    /// `sub` is no user id.
    #[error("the subject is no user id")]
    Subject,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` lies ahead.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// `exp` is not after `iat`, or too long after it.
    #[error("the token lives no time, or longer than allowed")]
    Lifetime,
}
