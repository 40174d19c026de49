//! The event sinks, one module each, which implement
//! [`DatasetEventSink`](nexus_raw::ports::DatasetEventSink).

mod http;
mod log;
mod nats;

pub use http::{HttpEventSink, HttpSinkError, HttpSinkSettings};
pub use log::SlogEventSink;
pub use nats::{NatsEventSink, NatsSinkSettings};
