//! Where events go: one module a sink, each a
//! [`DatasetEventSink`](nexus_raw::ports::DatasetEventSink).

mod log;

pub use log::SlogEventSink;
