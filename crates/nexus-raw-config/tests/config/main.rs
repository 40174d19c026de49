//! The configuration from the outside: sources, settings and errors.

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
