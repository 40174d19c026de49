//! A service under test, and a client that sends given requests byte for byte.

mod client;
mod house;

pub(crate) use self::{
    client::{Answer, Request},
    house::{House, Parts, TRACE_ID, presign_body, uploaded},
};
