//! The `nexus-raw-server` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    nexus_raw_server::cli::run()
}
