//! Every rule of a token, seen from outside: one token, one answer.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod claims;
mod contract;
mod forge;
mod form;
mod header;
mod issuer;
mod memberships;
mod mutation;
mod remembered;
mod signature;
mod time;
