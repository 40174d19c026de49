use std::io::{self, Write};

use nexus_raw::ErrorChain;

use super::Escaped;
use crate::{failure::Failure, option_faults::OptionFault, problem::Problem};

/// The maximum number of faults of a problem that are printed; the service names as many.
const MAX_FAULTS: usize = 100;

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
    match failure {
        Failure::Problem(problem)
        | Failure::NotRegistrable { problem, .. }
        | Failure::NotAborted { problem, .. }
        | Failure::StillHashed { problem, .. }
        | Failure::StillRead { problem, .. } => write_problem(out, problem)?,
        Failure::Options(faults) | Failure::Settings(faults) => {
            for OptionFault { option, rule } in faults {
                writeln!(out, "  {}: {}", Escaped(option), Escaped(rule))?;
            }
        }
        _ => {}
    }
    if let Some(hint) = failure.hint() {
        writeln!(out, "hint: {hint}")?;
    }
    Ok(())
}

/// Writes what the first line does not say.
fn write_problem(out: &mut impl Write, problem: &Problem) -> io::Result<()> {
    let is_of_fields = problem.is_of_fields();
    if let Some(detail) = problem.detail.as_ref().filter(|_| !is_of_fields) {
        writeln!(out, "  {}", Escaped(detail))?;
    }
    let faults = problem.errors.as_slice();
    if !(is_of_fields && faults.len() == 1) {
        for fault in faults.iter().take(MAX_FAULTS) {
            writeln!(out, "  {}", Escaped(&fault.to_string()))?;
        }
        if let Some(more) = faults.len().checked_sub(MAX_FAULTS).filter(|it| *it > 0) {
            writeln!(out, "  … and {more} more")?;
        }
    }
    if let Some(trace_id) = &problem.trace_id {
        writeln!(out, "  trace id: {}", Escaped(trace_id))?;
    }
    Ok(())
}
