//! How much of the process one tenant may have, or one user of it, before others are served.

mod limits;
mod turns;

pub use self::limits::Limits;
pub(crate) use self::{
    limits::TooOften,
    turns::{Turn, Turns},
};
