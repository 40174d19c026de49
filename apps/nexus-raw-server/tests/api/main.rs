//! The service from outside: over TCP, on stores and catalogues in memory.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: where an expectation breaks, the test must end"
)]

mod answers;
mod asset;
mod bodies;
mod cors;
mod docs;
mod feed;
mod heads;
mod idempotency;
mod limits;
mod logs;
mod metrics;
mod order;
mod presign;
mod probes;
mod proof;
mod register;
mod rights;
mod support;
mod texts;
mod tokens;
mod trouble;
#[path = "../common/wire.rs"]
mod wire;
