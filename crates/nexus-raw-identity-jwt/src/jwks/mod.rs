//! A cache of public keys that the issuer publishes as a JWK Set (RFC 7517).

mod algorithm;
mod cache;
mod fault;
mod key;
mod location;
mod set;

pub use self::{
    algorithm::JwksAlgorithm,
    fault::{DroppedKey, JwksFault, KeyFault},
};
pub(crate) use self::{cache::Jwks, fault::LoadError, location::Location, set::read_file};
