//! The catalogue on SQLite, from the outside: its contract, and what its files must withstand.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support: the test must end there"
)]

#[cfg(feature = "commit-hook")]
mod commit_hook;
mod contract;
mod corruption;
mod durability;
mod keys;
mod listing;
mod observing;
mod opening;
mod places;
mod support;
mod tampering;
