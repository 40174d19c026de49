//! The `nexus-raw-server` program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request takes 10 to 20 % less processor time than with the allocator of the system.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    nexus_raw_server::cli::run()
}
