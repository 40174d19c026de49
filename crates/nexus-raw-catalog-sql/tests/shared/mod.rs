//! What holds on either database.

pub(crate) mod checking;
pub(crate) mod inspecting;
pub(crate) mod inventory;
pub(crate) mod tamperings;
