#![doc = include_str!("../README.md")]

mod claims;
mod compact;
mod examine;
mod fault;
mod header;
mod issuer;
mod jwks;
mod keys;
mod numeric_date;
mod remembered;
mod settings;
mod verifier;

pub use self::{
    fault::{Part, TokenFault},
    issuer::{IssueError, TokenIssuer, TokenRequest},
    jwks::{DroppedKey, JwksAlgorithm, JwksFault, KeyFault},
    settings::{JwtSettings, JwtSettingsError, KeySettings, MIN_SECRET_BYTES},
    verifier::JwtIdentityVerifier,
};
