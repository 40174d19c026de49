//! What holds on either database.

pub(crate) mod inspecting;
