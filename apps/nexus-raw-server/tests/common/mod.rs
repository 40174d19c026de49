//! What the test binaries share.

pub(crate) mod caller;
pub(crate) mod house;
pub(crate) mod http;
pub(crate) mod ledger;
pub(crate) mod machine;
pub(crate) mod parts;
pub(crate) mod wire;
