//! The program, while its store or the medium of its catalogue fails: every answer is bounded,
//! nothing is half done, and it goes on within 5 s of the end of the trouble.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "where an expectation breaks, the test must end"
)]

mod cases;
#[expect(dead_code, reason = "other test binaries need more of it")]
#[path = "../common/mod.rs"]
mod common;
mod embedded_store;
mod house;
mod in_parts;
mod medium;
mod running;
mod starting;

use common::{caller, http, machine, parts};
