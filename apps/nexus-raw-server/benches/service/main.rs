//! What a request costs, against the floor (a bare actix-web server that answers as much) and against
//! what users would write instead with `FastAPI` and boto3.
//!
//! `cargo bench` runs it; `-- --quick` is faster and less precise. `docs/PERFORMANCE.md` explains
//! the arguments and the output. It asserts that each response is the right one, and nothing about
//! time.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot be made must end, and one that was made is printed"
)]

mod batches;
mod cases;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../../tests/common/mod.rs"]
mod common;
mod conditions;
mod fastapi;
mod growth;
#[path = "../harness/mod.rs"]
mod harness;
mod report;
mod routes;
mod surroundings;

use std::env;

use serde_json::json;

use arguments::Plan;
use batches::Batches;
use figures::Figure;
use harness::{arguments, collected, figures, floor, house, load, processor, service};
use house::Mode;
use routes::Routes;

/// What is measured besides the routes.
const PARTS: [(&str, Part); 4] = [
    ("alone", conditions::alone),
    ("overload", conditions::overload),
    ("footprint", conditions::footprint),
    ("growth", growth::growth),
];
type Part = fn(&Plan) -> Vec<Figure>;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [floor::ARGUMENT] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        floor::serve();
    } else if arguments.iter().any(|it| it == "--bench") {
        measure(&Plan::of(&arguments));
    }
    // as a test there is nothing to do: time is never tested
}

fn measure(plan: &Plan) {
    let surroundings = surroundings::Surroundings::of(plan);
    println!("{surroundings}");
    let (mut figures, mut modes): (Vec<Figure>, _) = (Vec::new(), Vec::new());
    for (part, mode) in [("embedded", Mode::Embedded), ("platform", Mode::Platform)] {
        if plan.has(part) {
            let report = Routes::prepare(mode, plan).measure();
            println!("{}", report.table());
            figures.extend(report.figures());
            modes.push(report.json());
        }
    }
    if plan.has("batches") {
        println!("{}", Batches::measure(plan));
    }
    for (name, part) in PARTS {
        if plan.has(name) {
            figures.extend(part(plan));
        }
    }
    println!("what is to be reached (spread: how far the rounds are apart)");
    for figure in &figures {
        println!("{figure}");
    }
    let all = json!({
        "bench": "service",
        "surroundings": surroundings.json(),
        "figures": figures.iter().map(Figure::json).collect::<Vec<_>>(),
        "modes": modes,
    });
    plan.publish(&all);
}
