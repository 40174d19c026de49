use std::io::{self, Write};

use nexus_raw::time::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    difference::{Difference, DifferenceKind},
    error::WorkFileError,
    state::Counts,
    work_file::{LinePlace, WorkFile},
};

/// How many lines are read at once.
const LINES: u32 = 256;

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// For a person.
    Text,
    /// One JSON object a line: each difference, then the summary.
    JsonLines,
}

/// The error of a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The work file cannot be read.
    #[error("the work file cannot be used")]
    WorkFile(#[from] WorkFileError),
    /// The output cannot be written.
    #[error("the report cannot be written")]
    Output(#[from] io::Error),
}

/// The numbers of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// What was compared, in words.
    pub subject: String,
    /// When the run began.
    pub started_at: Timestamp,
    /// Listed versions of objects.
    pub object_versions: u64,
    /// Listed delete markers.
    pub delete_markers: u64,
    /// Listed open uploads in parts.
    pub open_uploads: u64,
    /// What was compared.
    #[serde(flatten)]
    pub counts: Counts,
    /// The number of differences of each kind.
    #[serde(serialize_with = "by_name")]
    pub differences: Vec<(DifferenceKind, u64)>,
}

fn by_name<S: Serializer>(totals: &[(DifferenceKind, u64)], to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(totals.len()))?;
    for (kind, count) in totals {
        map.serialize_entry(kind.as_str(), count)?;
    }
    map.end()
}

impl Summary {
    /// Whether bucket and catalogue differ. An unregistered object alone is no difference, since its
    /// upload may go on.
    #[must_use]
    pub fn differs(&self) -> bool {
        let mut totals = self.differences.iter();
        totals.any(|(kind, count)| *count > 0 && !kind.is_expected())
    }

    fn lines(&self) -> Vec<String> {
        let counts = &self.counts;
        let mut lines = vec![
            format!("{}, begun at {}", self.subject, self.started_at),
            format!(
                "listed: {} object versions, {} delete markers, {} open uploads",
                self.object_versions, self.delete_markers, self.open_uploads
            ),
            format!(
                "compared: {} records, {} unregistered intents",
                counts.records, counts.open_intents
            ),
        ];
        if counts.adopted > 0 {
            lines.push(format!(
                "adopted: {} objects, which can be registered now",
                counts.adopted
            ));
        }
        if counts.closed > 0 {
            lines.push(format!(
                "closed: {} intents that had ended, and of which there is no object",
                counts.closed
            ));
        }
        if counts.without_digest > 0 {
            lines.push(format!(
                "not compared: the digests of {} objects, of which the store has none of the whole",
                counts.without_digest
            ));
        }
        if counts.other_bucket > 0 {
            lines.push(format!(
                "not compared: {} intents and records of other buckets",
                counts.other_bucket
            ));
        }
        if counts.unlisted > 0 {
            lines.push(format!(
                "the list is incomplete: it left out {} registered objects that are there, so foreign ones may be missing here",
                counts.unlisted
            ));
        }
        let found: Vec<String> = self
            .differences
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| format!("{count} {}", kind.as_str()))
            .collect();
        lines.push(match found.as_slice() {
            [] => "no differences".to_owned(),
            found => format!("differences: {}", found.join(", ")),
        });
        lines
    }
}

impl WorkFile {
    /// Returns the numbers of the run so far.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn summary(&self) -> Result<Summary, WorkFileError> {
        let state = self.state();
        let [object_versions, delete_markers, open_uploads] = self.listed()?;
        Ok(Summary {
            subject: state.subject.clone(),
            started_at: state.started_at,
            object_versions,
            delete_markers,
            open_uploads,
            counts: state.counts,
            differences: self.totals()?,
        })
    }

    /// Writes the report of a finished run, in the order of keys, and returns its summary.
    ///
    /// # Errors
    /// See [`ReportError`].
    pub fn report(
        &self,
        format: ReportFormat,
        out: &mut impl Write,
    ) -> Result<Summary, ReportError> {
        let mut after = LinePlace::default();
        loop {
            let lines = self.lines(&after, LINES)?;
            for (_, line) in &lines {
                match format {
                    ReportFormat::JsonLines => writeln!(out, "{line}")?,
                    ReportFormat::Text => {
                        let difference: Difference =
                            serde_json::from_str(line).map_err(io::Error::from)?;
                        writeln!(out, "{}", in_text(&difference))?;
                    }
                }
            }
            let Some((last, _)) = lines.into_iter().next_back() else {
                break;
            };
            after = last;
        }
        let summary = self.summary()?;
        match format {
            ReportFormat::JsonLines => {
                let line = serde_json::json!({ "summary": summary });
                writeln!(out, "{line}")?;
            }
            ReportFormat::Text => {
                for line in summary.lines() {
                    writeln!(out, "{line}")?;
                }
            }
        }
        out.flush()?;
        Ok(summary)
    }
}

/// Writes a difference on one line. Texts of a store must not control the terminal.
fn in_text(difference: &Difference) -> String {
    let shown = |text: &str| text.escape_debug().to_string();
    let of = |name: &str, text: &Option<String>| {
        let text = text.as_ref().map(|it| shown(it));
        text.map_or_else(String::new, |it| format!("{name} {it}"))
    };
    let kind = difference.kind.as_str();
    [
        format!("{kind} {}", shown(&difference.key)),
        of(" upload", &difference.upload_id),
        of("; expected", &difference.expected),
        of("; found", &difference.found),
    ]
    .concat()
}
