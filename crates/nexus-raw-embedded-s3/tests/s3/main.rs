//! The server as a client sees it, over a real socket.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set its scene has failed"
)]

mod objects;
mod support;
