//! The catalogue on PostgreSQL, from outside: its contract, and failures of a server that many
//! processes share.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support: the test must end there"
)]

mod backup;
mod checking;
mod contract;
mod examining;
mod faults;
mod functions;
mod inspecting;
mod inventory;
mod opening;
mod parts;
mod planning;
mod poolers;
mod proxy;
mod replicas;
mod rows;
mod shapes;
#[path = "../shared/mod.rs"]
mod shared;
mod silence;
mod support;
mod walls;
