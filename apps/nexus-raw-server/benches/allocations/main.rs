//! How often a request allocates memory, and how much, in the server and in its floor.
//!
//! `cargo bench` runs it. A counting allocator would make the requests that the `service` benchmark
//! measures slower, so it is a program of its own, which starts itself as the server. What C
//! libraries allocate is not counted: SQLite and the cryptography.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot be made must end, and one that was made is printed"
)]

#[expect(dead_code, reason = "tests need more of it")]
#[path = "../../tests/common/mod.rs"]
mod common;
mod counter;
#[expect(dead_code, reason = "the other benchmark needs more of it")]
#[path = "../harness/mod.rs"]
mod harness;
mod routes;

use std::{alloc::System, env, process::ExitCode};

use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use harness::{arguments::Plan, figures::Figure, floor};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.iter().any(|it| it == "--bench") {
        measure(&Plan::of(&arguments));
        return ExitCode::SUCCESS;
    }
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // as a test there is nothing to do
        [] => ExitCode::SUCCESS,
        [floor::ARGUMENT] => {
            counter::tell(ALLOCATOR);
            floor::serve();
            ExitCode::SUCCESS
        }
        _ => {
            counter::tell(ALLOCATOR);
            nexus_raw_server::cli::run()
        }
    }
}

fn measure(plan: &Plan) {
    let figures = routes::measure(plan);
    println!("allocations a request, of the server and of the floor");
    for figure in &figures {
        println!("{figure}");
    }
    let all = json!({
        "bench": "allocations",
        "figures": figures.iter().map(Figure::json).collect::<Vec<_>>(),
    });
    plan.publish(&all);
}
