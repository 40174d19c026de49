//! One caller's connection, between the socket and the HTTP library.
//!
//! The library gives the first head of a connection a deadline and no later one, reads ahead of
//! the request that it serves, and goes on serving after an answer that said `close`. So what it
//! is given to read is gated: one request at a time, each under a deadline (ADR 0016).

mod head;
mod open;
mod stream;
mod watch;

pub(super) use self::{
    open::OpenConnections,
    stream::GatedStream,
    watch::{BodyLength, Connection},
};
