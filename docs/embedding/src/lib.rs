//! How an engine embeds Nexus raw storage: see the README beside this crate.

pub mod directory;
mod engine;
mod json_lines;

pub use engine::Engine;
pub use json_lines::JsonLinesSink;
