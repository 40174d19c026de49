//! The `import` command on stores with an archive.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: where an expectation breaks, the test must end"
)]

mod archive;
#[expect(dead_code, reason = "other test binaries need more of it")]
#[path = "../common/mod.rs"]
mod common;
mod killed;
mod running;

use common::{caller, house};
