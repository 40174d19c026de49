use std::io::{self, Write};

use nexus_raw::ErrorChain;

use super::Shown;
use crate::{failure::Failure, problem::Problem};

/// Says what went wrong, once and whole, and what to do about it.
pub(crate) fn failure(out: &mut impl Write, failure: &Failure) -> io::Result<()> {
    writeln!(out, "error: {}", Shown(&ErrorChain(failure).to_string()))?;
    if let Failure::Problem(problem) | Failure::StillHashed { problem, .. } = failure {
        write_problem(out, problem)?;
    }
    if let Some(hint) = failure.hint() {
        writeln!(out, "hint: {hint}")?;
    }
    Ok(())
}

fn write_problem(out: &mut impl Write, problem: &Problem) -> io::Result<()> {
    if let Some(detail) = &problem.detail {
        writeln!(out, "  {}", Shown(detail))?;
    }
    for fault in &problem.errors {
        let place = if fault.pointer.is_empty() {
            "the whole body"
        } else {
            &fault.pointer
        };
        writeln!(out, "  {}: {}", Shown(place), Shown(&fault.detail))?;
    }
    if let Some(trace_id) = &problem.trace_id {
        writeln!(out, "  trace id: {}", Shown(trace_id))?;
    }
    Ok(())
}
