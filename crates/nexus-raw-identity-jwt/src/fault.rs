use std::fmt;

use strict_json::JsonError;

/// A part of a compact JWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first part, the JOSE header.
    Header,
    /// The second part, the claims.
    Claims,
    /// The third part, the signature.
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

/// The error of verifying a token.
///
/// Only for the log, not for the caller. No variant contains anything from the token; names of
/// claims are those of the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// The token is too long.
    #[error("the token is longer than {limit} bytes")]
    TooLong {
        /// The maximum length, in bytes.
        limit: usize,
    },
    /// It is not a JWS in compact form (RFC 7515, section 3.1).
    #[error("the token does not have exactly three parts")]
    NotThreeParts,
    /// A part is not base64url (RFC 7515, section 2): padding, the standard alphabet, spare bits.
    #[error("the {0} is not base64url without padding")]
    Base64(Part),
    /// A part is not strict JSON.
    #[error("the {part} is not valid JSON")]
    Json {
        /// The part.
        part: Part,
        /// The cause.
        source: JsonError,
    },
    /// A part is JSON, but not an object.
    #[error("the {0} is not a JSON object")]
    NotAnObject(Part),
    /// A header parameter that would change how, or with which key, the token is verified.
    #[error("the header has {name}, which is not allowed")]
    HeaderForbidden {
        /// The parameter.
        name: &'static str,
    },
    /// A header parameter is not a string.
    #[error("{name} of the header is not a string")]
    HeaderType {
        /// The parameter.
        name: &'static str,
    },
    /// `typ` is that of a token for another use.
    #[error("typ of the header is for another use")]
    Type,
    /// `alg` is missing or not exactly the configured one.
    #[error("alg of the header is missing or not the configured algorithm")]
    Algorithm,
    /// `kid` is not a valid key id: a path, SQL, or too long.
    #[error("kid of the header is not a valid key name")]
    KeyId,
    /// The JWKS has no key with this `kid`; or `kid` is missing and the JWKS has several keys.
    #[error("kid of the header matches no key, or is missing with several keys")]
    UnknownKey,
    /// No key set was loaded yet, or the last one is too old. The token has no fault that can be
    /// detected without a key.
    #[error("no keys are available to verify the token")]
    NoKeys,
    /// No configured key verifies the signature.
    #[error("the signature does not match a configured key")]
    Signature,
    /// A required claim is missing.
    #[error("the claim {name} is missing")]
    ClaimMissing {
        /// The claim.
        name: &'static str,
    },
    /// A claim has the wrong JSON type, or a number is beyond 64 bits.
    #[error("the claim {name} has the wrong type")]
    ClaimType {
        /// The claim, as configured.
        name: String,
    },
    /// A claim binds the token to a proof that is not supported.
    #[error("the token has the claim {name}, which is not allowed")]
    ClaimForbidden {
        /// The claim.
        name: &'static str,
    },
    /// `iss` is not the configured issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// `aud` does not contain the configured audience.
    #[error("the token is for another audience")]
    Audience,
    /// `sub` is not a valid user id.
    #[error("the subject is not a valid user id")]
    Subject,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is in the future.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// `exp` is not after `iat`, or too long after it.
    #[error("the token's lifetime is zero or longer than allowed")]
    Lifetime,
}
