//! The catalogue on SQLite, from outside: its contract, and failures and changes of its files.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support: the test must end there"
)]

mod backing_up;
mod checking;
#[cfg(feature = "commit-hook")]
mod commit_hook;
mod contract;
mod corruption;
mod durability;
mod examining;
mod handing;
mod inspecting;
mod inventory;
mod keys;
mod listing;
mod observing;
mod opening;
mod places;
mod planning;
#[path = "../shared/mod.rs"]
mod shared;
mod support;
mod tampering;
