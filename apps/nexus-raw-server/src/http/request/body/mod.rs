//! Bodies of requests: bytes, then one strict JSON text, then domain types, every fault at once.

mod node;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use self::{node::Node, read::read};
