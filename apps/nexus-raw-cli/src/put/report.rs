//! What a run prints. Standard output has the items alone.

use std::{
    fmt::Write as _,
    io::{ErrorKind, Write, stderr},
    path::Path,
    time::Instant,
};

use bytesize::ByteSize;
use nexus_raw::asset::AssetId;
use serde::{Deserialize, Serialize};

use super::{
    plan::Plan,
    session::{Outcome, Stored},
};
use crate::{
    args::PutArgs,
    exit::Exit,
    failure::Failure,
    problem::Problem,
    progress::Progress,
    render::{self, Escaped},
};

/// The maximum number of notes that are printed of a plan.
const MAX_NOTES: usize = 20;

/// The exit codes of items, the one first that says most about the others.
const ORDER: [Exit; 6] = [
    Exit::Denied,
    Exit::Refused,
    Exit::NotFound,
    Exit::Usage,
    Exit::Other,
    Exit::Unavailable,
];

/// The line of an item that was not stored.
#[derive(Serialize)]
struct FailedItem<'a> {
    path: &'a str,
    exit: u8,
    problem: ItemProblem<'a>,
}

/// The problem of the service, or an error of this command.
#[derive(Serialize)]
#[serde(untagged)]
enum ItemProblem<'a> {
    Service(&'a Problem),
    Command {
        title: String,
        hint: Option<&'a str>,
    },
}

/// The id in a record.
#[derive(Deserialize)]
struct RecordId {
    asset_id: AssetId,
}

/// The output of a run, and what it counts.
pub(super) struct Report<'a> {
    args: &'a PutArgs,
    progress: Progress,
    is_one_file: bool,
    began: Instant,
    stored: usize,
    skipped: usize,
    stored_bytes: u64,
    exits: Vec<Exit>,
    /// Whether no other file is begun, since it would fail as well.
    must_stop: bool,
    /// Whether failures are those of the run.
    is_of_all: bool,
    /// Registered, and not printed since the output failed.
    unprinted: Vec<AssetId>,
    broken: Option<std::io::Error>,
}

impl<'a> Report<'a> {
    pub(super) fn new(args: &'a PutArgs, progress: Progress, is_one_file: bool) -> Self {
        Self {
            args,
            progress,
            is_one_file,
            began: Instant::now(),
            stored: 0,
            skipped: 0,
            stored_bytes: 0,
            exits: vec![],
            must_stop: false,
            is_of_all: false,
            unprinted: vec![],
            broken: None,
        }
    }

    fn note(&self, line: &str) {
        self.progress.note(&Escaped(line).to_string());
    }

    /// Prints the plan and its notes.
    pub(super) fn plan(&self, plan: &Plan) {
        for note in plan.notes.iter().take(MAX_NOTES) {
            self.note(note);
        }
        if plan.notes.len() > MAX_NOTES {
            self.note(&format!("and {} more notes", plan.notes.len() - MAX_NOTES));
        }
        if self.is_one_file {
            return;
        }
        let threshold = self.args.part_threshold.as_u64();
        let in_parts = plan.items.iter().filter(|it| it.size_bytes >= threshold);
        let in_parts = match in_parts.count() {
            0 => String::new(),
            count => format!(", {count} of them in parts"),
        };
        let size = ByteSize::b(plan.size_bytes());
        self.note(&format!("{}, {size}{in_parts}", files(plan.items.len())));
    }

    /// Prints a file that was not stored.
    pub(super) fn failure(
        &mut self,
        out: &mut impl Write,
        path: &Path,
        failure: &Failure,
    ) -> Result<(), Failure> {
        let exit = failure.exit();
        self.exits.push(exit);
        let is_of_all = exit == Exit::Denied || failure.is_service_away() || self.is_of_all;
        let path = path.to_string_lossy();
        // what befalls all files is said once
        if !(is_of_all && self.must_stop) {
            self.progress.suspended(|| {
                let mut err = stderr().lock();
                // without standard error, the exit code still reports it
                let _ = if self.is_one_file || is_of_all {
                    render::failure(&mut err, failure)
                } else {
                    render::failure_of(&mut err, &path, failure)
                };
            });
        }
        self.must_stop |= is_of_all;
        if self.args.json {
            let problem = match failure {
                Failure::Problem(problem)
                | Failure::StillHashed { problem, .. }
                | Failure::StillRead { problem, .. } => ItemProblem::Service(problem),
                failure => ItemProblem::Command {
                    title: nexus_raw::ErrorChain(failure).to_string(),
                    hint: failure.hint(),
                },
            };
            let line = FailedItem {
                path: &path,
                exit: exit as u8,
                problem,
            };
            let json = serde_json::to_vec(&line).map_err(std::io::Error::from)?;
            self.print(out, |out| render::document(out, &json))?;
        }
        Ok(())
    }

    /// Prints why no file can be stored.
    pub(super) fn failure_of_all(
        &mut self,
        out: &mut impl Write,
        plan: &Plan,
        failure: &Failure,
    ) -> Result<(), Failure> {
        self.is_of_all = true;
        for item in &plan.items {
            self.failure(out, &item.path, failure)?;
            if !self.args.json {
                break;
            }
        }
        if plan.items.is_empty() {
            self.failure(out, Path::new(""), failure)?;
        }
        Ok(())
    }

    /// Prints an item. An output that fails is remembered, and the ids that it did not take.
    pub(super) fn item(
        &mut self,
        out: &mut impl Write,
        outcome: Outcome<'_>,
    ) -> Result<(), Failure> {
        let stored = match outcome.result {
            Ok(stored) => stored,
            Err(failure) => return self.failure(out, &outcome.item.path, &failure),
        };
        if stored.is_new {
            self.stored += 1;
            self.stored_bytes += outcome.item.size_bytes;
        } else {
            self.skipped += 1;
            if self.is_one_file {
                self.note("it is registered already; --again stores it anew");
            }
        }
        let before = self.broken.is_some();
        if !before {
            let (json, is_one_file) = (self.args.json, self.is_one_file);
            self.print(out, |out| {
                write(out, outcome.item.path.as_path(), &stored, json, is_one_file)
            })?;
        }
        if self.broken.is_some()
            && let Ok(it) = serde_json::from_slice::<RecordId>(&stored.record)
        {
            self.unprinted.push(it.asset_id);
        }
        Ok(())
    }

    fn print<W: Write>(
        &mut self,
        out: &mut W,
        write: impl FnOnce(&mut W) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let printed = self
            .progress
            .suspended(|| write(out).and_then(|()| Ok(out.flush()?)));
        match printed {
            // its reader has what it wanted
            Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => {
                Err(Failure::Output(error))
            }
            Err(Failure::Output(error)) => {
                self.broken = Some(error);
                Ok(())
            }
            other => other,
        }
    }

    /// Returns whether no further file is begun.
    pub(super) fn must_stop(&self) -> bool {
        self.must_stop || self.broken.is_some()
    }

    /// Prints the summary, and returns the failure of the run.
    pub(super) fn end(self, planned: usize) -> Result<(), Failure> {
        let failed = self.exits.len();
        let left = planned.saturating_sub(self.stored + self.skipped + failed);
        if !self.is_one_file {
            let mut summary = format!(
                "stored {} ({})",
                files(self.stored),
                ByteSize::b(self.stored_bytes)
            );
            for (count, what) in [
                (self.skipped, "registered already"),
                (failed, "failed"),
                (left, "not begun"),
            ] {
                if count > 0 {
                    // a String takes everything
                    let _ = write!(summary, ", {count} {what}");
                }
            }
            let seconds = self.began.elapsed().as_secs_f64();
            self.note(&format!("{summary}, in {seconds:.1} s"));
        }
        if let Some(source) = self.broken {
            let ids: Vec<_> = self.unprinted.iter().map(AssetId::to_string).collect();
            let done = format!("registered {}", ids.join(", "));
            return Err(Failure::NotPrinted { done, source });
        }
        match first_of(&self.exits) {
            Some(exit) => Err(Failure::Reported(exit)),
            None => Ok(()),
        }
    }
}

/// Writes an item for people, or its record as one line.
fn write(
    out: &mut impl Write,
    path: &Path,
    stored: &Stored,
    json: bool,
    is_one_file: bool,
) -> Result<(), Failure> {
    if json {
        let trimmed = stored.record.trim_ascii();
        if !trimmed.contains(&b'\n') {
            return render::document(out, trimmed);
        }
        let value: serde_json::Value =
            serde_json::from_slice(trimmed).map_err(|_| super::session::unexpected())?;
        writeln!(out, "{value}")?;
        return Ok(());
    }
    if is_one_file {
        return render::record(out, &stored.record, None);
    }
    let id: RecordId =
        serde_json::from_slice(&stored.record).map_err(|_| super::session::unexpected())?;
    writeln!(out, "{}  {}", id.asset_id, Escaped(&path.to_string_lossy()))?;
    Ok(())
}

/// Returns the exit code of a run whose items had these.
fn first_of(exits: &[Exit]) -> Option<Exit> {
    ORDER.into_iter().find(|it| exits.contains(it))
}

pub(super) fn files(count: usize) -> String {
    let unit = if count == 1 { "file" } else { "files" };
    format!("{count} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_of_a_run_is_the_first_of_a_fixed_order() {
        assert_eq!(first_of(&[]), None);
        let ordered = [6, 4, 3, 2, 1, 5];
        let exits = [5, 1, 2, 3, 4, 6].map(|code| {
            let found = ORDER.into_iter().find(|it| *it as u8 == code);
            found.unwrap()
        });
        for count in 1..=exits.len() {
            let first = first_of(&exits[..count]).unwrap() as u8;
            assert_eq!(first, ordered[ordered.len() - count]);
        }
    }
}
