//! The server as a client sees it, over a real socket.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene has failed"
)]

mod buckets;
mod digests;
mod life;
#[cfg(feature = "lying")]
mod lying;
mod multipart;
mod objects;
mod races;
mod refusals;
mod signatures;
mod support;
