#![doc = include_str!("../README.md")]

mod address;
mod args;
mod client;
mod commands;
mod content;
mod exit;
mod failure;
mod incoming;
mod metadata;
mod meter;
mod option_faults;
mod problem;
mod profile;
mod progress;
mod put;
mod render;
mod settings;
mod token_claims;

use std::{
    io::{ErrorKind, stderr, stdout},
    process::ExitCode,
};

use clap::Parser as _;

use crate::failure::Failure;

fn main() -> ExitCode {
    // usage errors exit here, with code 2
    let cli = args::Cli::parse();
    let mut out = stdout().lock();
    let outcome = commands::run(cli.command, &mut out);
    match outcome {
        Ok(()) => exit::Exit::Done.into(),
        // the reader has what it wanted, as head does
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => {
            exit::Exit::Done.into()
        }
        Err(failure) => {
            // without standard error, the exit code still reports it
            let _ = render::failure(&mut stderr().lock(), &failure);
            failure.exit().into()
        }
    }
}
