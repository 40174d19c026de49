//! Prints the table of `docs/CONFIGURATION.md`:
//! `cargo run -p nexus-raw-config --example configuration-table`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(nexus_raw_config::markdown_table().as_bytes())
}
