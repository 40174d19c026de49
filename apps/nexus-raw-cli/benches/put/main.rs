//! How fast files are stored, by `nexus-raw put` and by rclone, in turns.
//!
//! `cargo bench` runs it; `-- --quick` is faster and less precise, `-- embedded small` runs these alone.
//! `docs/PERFORMANCE.md` explains the output. It asserts that everything is stored, and nothing about time.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made must end, and one that was made is printed"
)]

mod data;
mod house;
mod processor;
mod report;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../../tests/cli/run.rs"]
mod run;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../../tests/cli/server.rs"]
mod server;
mod tools;

use std::env;

use data::{Data, Workload};
use house::{House, Kind};
use report::Report;
use tools::Tool;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.iter().any(|it| it == "--bench") {
        let is_option = |it: &String| it.starts_with("--");
        let (options, words): (Vec<_>, Vec<_>) = arguments.into_iter().partition(is_option);
        measure(options.iter().any(|it| it == "--quick"), &words);
    }
    // as a test there is nothing to do: time is never tested
}

fn measure(quick: bool, words: &[String]) {
    let data = Data::write(quick);
    let rounds = if quick { 1 } else { 3 };
    let mut report = Report::new(&data, rounds);
    println!("{}", report.head());
    for kind in [Kind::SeaweedFs, Kind::Embedded] {
        for workload in [Workload::Large, Workload::Small] {
            let names = [kind.name(), report::name(workload)];
            let is_named = |word: &String| names.iter().any(|it| it.eq_ignore_ascii_case(word));
            if !words.iter().all(is_named) {
                continue;
            }
            for round in 0..rounds {
                // a new one, in which nothing of the round before takes room
                let house = House::start(kind);
                let mut tools = [Tool::NexusRaw, Tool::Rclone];
                tools.rotate_left(round % 2);
                for tool in tools {
                    report.add(kind, workload, tool, &tool.store(&house, &data, workload));
                }
            }
            println!("{}", report.row(kind, workload));
        }
    }
    println!("\n{}", report.json());
}
