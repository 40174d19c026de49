//! The `nexus-raw-server` program.

fn main() {}
