#![doc = include_str!("../README.md")]

pub mod encoding;
mod output;
mod relay;
mod sink;

pub use output::{LineWriter, SharedOutput};
pub use relay::{Backoff, Relay, RelayError, RelaySettings};
pub use sink::{
    HttpEventSink, HttpSinkError, HttpSinkSettings, NatsEventSink, NatsSinkSettings, SlogEventSink,
};
