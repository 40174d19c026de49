//! The catalogue on PostgreSQL, from the outside: its contract, and what a server of many
//! processes must withstand.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support: the test must end there"
)]

mod backup;
mod contract;
mod faults;
mod functions;
mod opening;
mod poolers;
mod proxy;
mod replicas;
mod rows;
mod shapes;
mod silence;
mod support;
mod walls;
