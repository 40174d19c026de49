//! The configuration from the outside: what goes in, what comes out, what is told.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails the test"
)]

mod between_keys;
mod documentation;
mod embedded;
mod garbage;
mod printed;
mod secrets;
mod sources;
mod support;
mod values;
