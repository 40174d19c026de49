//! Bodies of requests: bytes, then one strict JSON text, then domain types, every fault at once.

mod fault;
mod fields;
mod node;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    fault::{Fault, Faults},
    fields::Fields,
    node::Node,
    read::{MAX_BODY_BYTES, read},
};
