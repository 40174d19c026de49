//! The subcommands, one file each.

mod abort;
mod completions;
mod events;
mod fact;
mod facts;
mod get;
mod lineage;
mod ls;
mod man;
mod put;
mod register;
mod show;
mod token;
mod verify;
mod whoami;

use std::io::{Write, stderr};

use crate::{args::Command, failure::Failure, render::Escaped};

/// Runs the command and writes its result to `out`.
pub(crate) fn run(command: Command, out: &mut impl Write) -> Result<(), Failure> {
    for note in command.notes() {
        // a lost note must not stop the command
        drop(writeln!(stderr(), "note: {}", Escaped(&note)));
    }
    match command {
        Command::Put(args) => block_on(put::run(*args, out))?,
        Command::Get(args) => block_on(get::run(args, out))?,
        Command::Ls(args) => block_on(ls::run(&args, out))?,
        Command::Show(args) => block_on(show::run(&args, out))?,
        Command::Verify(args) => block_on(verify::run(&args, out))?,
        Command::Events(args) => block_on(events::run(&args, out))?,
        Command::Fact(args) => block_on(fact::run(&args, out))?,
        Command::Facts(args) => block_on(facts::run(&args, out))?,
        Command::Lineage(args) => block_on(lineage::run(&args, out))?,
        Command::Register(args) => block_on(register::run(&args, out))?,
        Command::Abort(args) => block_on(abort::run(&args, out))?,
        Command::Whoami(args) => block_on(whoami::run(&args, out))?,
        Command::Token(args) => token::run(args, out)?,
        Command::Completions { shell } => completions::run(shell, out)?,
        Command::Man { of } => man::run(of.as_deref(), out)?,
    }
    Ok(out.flush()?)
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let done = runtime.block_on(work);
    // a file that is still hashed is of no use any more
    runtime.shutdown_background();
    done
}
