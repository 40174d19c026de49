#![doc = include_str!("../README.md")]

mod args;
mod client;
mod commands;
mod content;
mod exit;
mod failure;
mod problem;
mod progress;
mod render;

use std::{
    io::{stderr, stdout},
    process::ExitCode,
};

use clap::Parser as _;

fn main() -> ExitCode {
    // usage faults end here, with exit code 2
    let cli = args::Cli::parse();
    let mut out = stdout().lock();
    let outcome = commands::run(cli.command, &mut out);
    match outcome {
        Ok(()) => exit::Exit::Done.into(),
        Err(failure) => {
            // when standard error is gone too, the exit code still tells
            let _ = render::failure(&mut stderr().lock(), &failure);
            failure.exit().into()
        }
    }
}
