use std::io::{self, Write};

use nexus_raw::ErrorChain;

use super::Escaped;
use crate::{failure::Failure, option_faults::OptionFault, problem::Problem};

/// Writes the error with its causes, and a hint.
pub(crate) fn failure(out: &mut impl Write, failure: &Failure) -> io::Result<()> {
    if let Failure::Reported(_) = failure {
        return Ok(());
    }
    write!(out, "error: ")?;
    error(out, failure)
}

/// The same, of one file of several.
pub(crate) fn failure_of(out: &mut impl Write, file: &str, failure: &Failure) -> io::Result<()> {
    write!(out, "error: {}: ", Escaped(file))?;
    error(out, failure)
}

fn error(out: &mut impl Write, failure: &Failure) -> io::Result<()> {
    writeln!(out, "{}", Escaped(&ErrorChain(failure).to_string()))?;
    if let Failure::Problem(problem)
    | Failure::StillHashed { problem, .. }
    | Failure::StillRead { problem, .. } = failure
    {
        write_problem(out, problem)?;
    }
    if let Failure::Options(faults) = failure {
        for OptionFault { option, rule } in faults {
            writeln!(out, "  {}: {}", Escaped(option), Escaped(rule))?;
        }
    }
    if let Some(hint) = failure.hint() {
        writeln!(out, "hint: {hint}")?;
    }
    Ok(())
}

fn write_problem(out: &mut impl Write, problem: &Problem) -> io::Result<()> {
    if let Some(detail) = &problem.detail {
        writeln!(out, "  {}", Escaped(detail))?;
    }
    for fault in &problem.errors {
        let place = if fault.pointer.is_empty() {
            "the whole body"
        } else {
            &fault.pointer
        };
        writeln!(out, "  {}: {}", Escaped(place), Escaped(&fault.detail))?;
    }
    if let Some(trace_id) = &problem.trace_id {
        writeln!(out, "  trace id: {}", Escaped(trace_id))?;
    }
    Ok(())
}
