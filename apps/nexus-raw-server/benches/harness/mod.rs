//! What the benchmarks of the server share: the server and its floor, and the load on them.

pub(crate) mod arguments;
pub(crate) mod collected;
pub(crate) mod exchange;
pub(crate) mod figures;
pub(crate) mod floor;
pub(crate) mod house;
pub(crate) mod load;
pub(crate) mod processor;
pub(crate) mod running;
pub(crate) mod service;
