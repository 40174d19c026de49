//! What a request costs, against the floor: a bare actix-web server that answers as much.
//!
//! `cargo bench` runs it; `-- --quick` is faster and less precise. `docs/PERFORMANCE.md` explains
//! the output. It asserts that each response is the right one, and nothing about time.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot be made must end, and one that was made is printed"
)]

mod batches;
mod floor;
mod load;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../../tests/common/machine.rs"]
mod machine;
mod processor;
mod report;
mod service;
mod surroundings;

use std::{env, time::Duration};

use batches::Batches;
use load::{Load, Until};
use report::Table;
use service::Service;

/// How many callers there are at once: one, which nothing delays, and as many as keep the server
/// busy.
const CALLERS: [usize; 2] = [1, 32];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [floor::ARGUMENT] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        floor::serve();
    } else if arguments.iter().any(|it| it == "--bench") {
        let quick = arguments.iter().any(|it| it == "--quick");
        // one thread: the server gets the rest of the machine
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(measure(quick));
    }
    // as a test there is nothing to do: time is never tested
}

async fn measure(quick: bool) {
    let time = if quick {
        Duration::from_millis(500)
    } else {
        Duration::from_secs(3)
    };
    let registrations = if quick { 200 } else { 2000 };
    println!("{}", surroundings::text());

    let service = Service::start().await;
    let floor = floor::Floor::start();
    for callers in CALLERS {
        let mut table = Table::new(callers);
        let at_most = Until::Over(time);
        let gets = [
            ("healthz, no token", service.healthz(), 200),
            ("record", service.record(), 200),
            ("record, not modified", service.record_not_modified(), 304),
            ("events of an asset", service.events(), 200),
        ];
        let of_floor = Load::new(floor.address, callers, floor.get(service.record_bytes));
        table.floor("GET", &of_floor.run(&floor, 200, at_most).await);
        for (name, request, status) in gets {
            let load = Load::new(service.address(), callers, request);
            table.row(name, &load.run(&service, status, at_most).await);
        }

        let of_floor = floor.post(&Service::promise(0), service.presign_bytes);
        let of_floor = Load::new(floor.address, callers, of_floor);
        table.floor("presign", &of_floor.run(&floor, 200, at_most).await);
        let load = Load::each(service.address(), callers, |at| service.presign(at));
        table.row("presign", &load.run(&service, 200, at_most).await);

        let count = registrations.min(callers * 500);
        let uploaded = service.uploaded(count).await;
        let of_floor = floor.post(&Service::statement(&uploaded[0]), service.record_bytes);
        let of_floor = Load::new(floor.address, callers, of_floor);
        table.floor("register", &of_floor.run(&floor, 200, at_most).await);
        let load = Load::each(service.address(), callers, |at| {
            service.register(&uploaded[at])
        });
        table.row(
            "register",
            &load.run(&service, 201, Until::Count(count)).await,
        );
        println!("{table}");
    }
    let rounds = if quick { 5 } else { 21 };
    println!("{}", Batches::measure(&service, rounds).await);
}
