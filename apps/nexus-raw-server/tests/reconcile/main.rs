//! The `reconcile` command on stores and catalogues with planted differences.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: where an expectation breaks, the test must end"
)]

mod adopting;
#[expect(dead_code, reason = "other test binaries need more of it")]
#[path = "../common/mod.rs"]
mod common;
mod garden;
mod kinds;
mod running;

use common::house;
