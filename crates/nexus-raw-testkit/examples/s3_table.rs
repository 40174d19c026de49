//! Prints the table of `docs/S3-SERVERS.md`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    let table = nexus_raw_testkit::contract::s3::markdown();
    io::stdout().lock().write_all(table.as_bytes())
}
