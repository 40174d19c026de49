use std::io::Write;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{args::Cli, failure::Failure};

pub(crate) fn run(shell: Shell, out: &mut impl Write) -> Result<(), Failure> {
    // the library panics on a write error
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nexus-raw", &mut script);
    Ok(out.write_all(&script)?)
}
