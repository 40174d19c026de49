//! The service, in this process and as the program, from outside. What kills it, fails under it or
//! runs for long has a test binary of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: where an expectation breaks, the test must end"
)]

mod api;
mod blackbox;
mod browsers;
#[expect(dead_code, reason = "other test binaries need more of it")]
#[path = "../common/mod.rs"]
mod common;
mod deployment;
mod embedded;
mod isolation;
mod postgres;
mod scrub;
mod seaweedfs;
mod secrets;
mod smoke;

use common::{caller, house, http, machine, wire};
