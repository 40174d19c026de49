//! Tokens signed with private keys, and where the public ones come from.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod contract;
mod examining;
mod file;
mod forge;
mod issuer;
mod signature;
mod url;
