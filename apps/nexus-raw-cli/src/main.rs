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
mod provenance;
mod put;
mod render;
mod settings;
mod token_claims;

use std::{
    io::{ErrorKind, Write as _, stderr, stdout},
    process::ExitCode,
};

use clap::Parser as _;

use crate::{exit::Exit, failure::Failure};

fn main() -> ExitCode {
    let outcome = match args::Cli::try_parse() {
        Ok(cli) => commands::run(cli.command, &mut stdout().lock()),
        Err(error) if error.use_stderr() => {
            // without standard error, the exit code still reports it
            let _ = error.print();
            return Exit::Usage.into();
        }
        // help or the version
        Err(text) => text
            .print()
            .and_then(|()| stdout().flush())
            .map_err(Failure::Output),
    };
    match outcome {
        Ok(()) => Exit::Done.into(),
        // the reader has what it wanted, as head does
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Exit::Done.into(),
        Err(failure) => {
            // without standard error, the exit code still reports it
            let _ = render::failure(&mut stderr().lock(), &failure);
            failure.exit().into()
        }
    }
}
