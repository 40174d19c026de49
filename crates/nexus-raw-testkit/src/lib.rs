#![doc = include_str!("../README.md")]
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the whole crate is test support: where an expectation breaks, the test must end"
)]

mod catalog;
mod clock;
pub mod contract;
mod ids;
pub mod sample;

pub use self::{catalog::FakeCatalog, clock::FixedClock, ids::SequentialIds};
