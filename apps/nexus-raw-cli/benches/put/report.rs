use std::{fmt::Write as _, thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    data::{Data, Workload},
    house::Kind,
    processor::ProcessorTime,
    tools::{Measured, Tool},
};

/// What must hold of the peak memory.
const MAX_PEAK_KIB: u64 = 150 * 1024;

/// All runs.
pub(crate) struct Report {
    large_bytes: u64,
    small_files: usize,
    rounds: usize,
    runs: Vec<(Kind, Workload, Tool, Measured)>,
}

/// The runs of one tool.
struct Summary {
    /// The median of MB or files a second.
    rate: f64,
    /// The largest.
    peak_kib: u64,
    rates: Vec<f64>,
    /// Of the run with the median rate.
    processor: ProcessorTime,
}

impl Report {
    pub(crate) fn new(data: &Data, rounds: usize) -> Self {
        Self {
            large_bytes: data.large_bytes,
            small_files: data.small_files,
            rounds,
            runs: Vec::new(),
        }
    }

    pub(crate) fn head(&self) -> String {
        let cores = thread::available_parallelism().unwrap();
        let build = if cfg!(debug_assertions) {
            "debug build: of no use as a measure"
        } else {
            "release build"
        };
        format!(
            "Files stored by nexus-raw and by rclone, in turns, {} rounds, {cores} cores, {build}\n\
             large: one file of {} MiB, in MB a second; small: {} files of 4 KiB, in files a second\n\
             processor: seconds of the tool, the service and the store, of which both in one if embedded\n\
             {:<10} {:<6} {:>10} {:>10} {:>7} {:>7}  {:>9} {:>9}  {:>20} {:>20}",
            self.rounds,
            self.large_bytes >> 20,
            self.small_files,
            "store",
            "files",
            "nexus-raw",
            "rclone",
            "ratio",
            "goal",
            "peak MiB",
            "rclone's",
            "processor s",
            "with rclone",
        )
    }

    pub(crate) fn add(&mut self, kind: Kind, workload: Workload, tool: Tool, run: &Measured) {
        self.runs.push((kind, workload, tool, *run));
    }

    pub(crate) fn row(&self, kind: Kind, workload: Workload) -> String {
        let ours = self.summary(kind, workload, Tool::NexusRaw);
        let theirs = self.summary(kind, workload, Tool::Rclone);
        let ratio = ours.rate / theirs.rate;
        let mut row = format!(
            "{:<10} {:<6} {:>10.1} {:>10.1} {ratio:>7.2} {:>7}  {:>9} {:>9}  {:>20} {:>20}",
            kind.name(),
            name(workload),
            ours.rate,
            theirs.rate,
            format!("{:.1}", goal(workload)),
            ours.peak_kib >> 10,
            theirs.peak_kib >> 10,
            seconds(ours.processor),
            seconds(theirs.processor),
        );
        if ratio < goal(workload) {
            row.push_str("  slower than the goal");
        }
        if ours.peak_kib >= MAX_PEAK_KIB {
            let _ = write!(row, "  more than {} MiB", MAX_PEAK_KIB >> 10);
        }
        row
    }

    /// Returns all figures, on one line.
    pub(crate) fn json(&self) -> Value {
        let cells = [Kind::SeaweedFs, Kind::Embedded]
            .into_iter()
            .flat_map(|kind| {
                let measured =
                    [Workload::Large, Workload::Small]
                        .into_iter()
                        .filter(move |workload| {
                            self.runs.iter().any(|(of_kind, of_workload, ..)| {
                                (*of_kind, of_workload) == (kind, workload)
                            })
                        });
                measured.map(move |workload| {
                let of = |tool| {
                    let summary = self.summary(kind, workload, tool);
                    let processor = summary.processor;
                    json!({
                        "rate": summary.rate, "rates": summary.rates, "peak_kib": summary.peak_kib,
                        "processor_s": {
                            "tool": processor.tool, "service": processor.service,
                            "store": processor.store,
                        },
                    })
                };
                json!({
                    "store": kind.name(),
                    "files": name(workload),
                    "unit": match workload {
                        Workload::Large => "MB/s",
                        Workload::Small => "files/s",
                    },
                    "nexus_raw": of(Tool::NexusRaw),
                    "rclone": of(Tool::Rclone),
                    "goal": goal(workload),
                })
            })
            });
        json!({
            "bench": "put",
            "large_bytes": self.large_bytes,
            "small_files": self.small_files,
            "results": cells.collect::<Vec<_>>(),
        })
    }

    fn summary(&self, kind: Kind, workload: Workload, tool: Tool) -> Summary {
        let runs = self
            .runs
            .iter()
            .filter(|(of_kind, of_workload, of_tool, _)| {
                (*of_kind, *of_workload, *of_tool) == (kind, workload, tool)
            });
        let runs: Vec<_> = runs
            .map(|(.., run)| (self.rate(workload, run.took), run))
            .collect();
        let mut sorted = runs.clone();
        sorted.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
        let (rate, median) = sorted[sorted.len() / 2];
        Summary {
            rate,
            peak_kib: runs.iter().map(|(_, run)| run.peak_kib).max().unwrap(),
            rates: runs.iter().map(|(rate, _)| *rate).collect(),
            processor: median.processor,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "sizes below 2^53 are exact")]
    fn rate(&self, workload: Workload, took: Duration) -> f64 {
        let amount = match workload {
            Workload::Large => self.large_bytes as f64 / 1e6,
            Workload::Small => self.small_files as f64,
        };
        amount / took.as_secs_f64()
    }
}

fn seconds(used: ProcessorTime) -> String {
    format!("{:.1} {:.1} {:.1}", used.tool, used.service, used.store)
}

pub(crate) fn name(workload: Workload) -> &'static str {
    match workload {
        Workload::Large => "large",
        Workload::Small => "small",
    }
}

/// The ratio of the rates that must hold.
fn goal(workload: Workload) -> f64 {
    match workload {
        Workload::Large => 0.9,
        Workload::Small => 2.0,
    }
}
