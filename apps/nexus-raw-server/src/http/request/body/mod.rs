//! Request bodies: bytes, then strict JSON, then domain types, with all faults reported at once.

mod node;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    node::{Fields, Node},
    read::{BodyRule, read},
};
