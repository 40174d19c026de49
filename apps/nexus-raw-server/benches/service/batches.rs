use std::{collections::BTreeMap, fmt, time::Duration};

use serde_json::{Value, json};

use crate::{
    arguments::Plan,
    figures::median,
    house::Mode,
    load::{Load, Until},
    service::{Service, promise, statement},
};

/// How many items a batch has: as many as it may.
const ITEMS: usize = 1000;

/// How many connections the requests for one item have.
const CALLERS: usize = 64;

const ROUTES: [&str; 4] = [
    "presign",
    "register",
    "presign-download, first",
    "presign-download, repeat",
];

/// One batch on one connection against a request for each of as many items on 64, in turns.
#[derive(Default)]
pub(crate) struct Batches {
    /// Of each route: of the requests for one item, and of the batches.
    measured: BTreeMap<&'static str, [Vec<Run>; 2]>,
}

/// One run of [`ITEMS`].
struct Run {
    per_second: f64,
    /// Processor time of an item, of the server and of the callers.
    microseconds: [f64; 2],
}

impl Batches {
    pub(crate) fn measure(plan: &Plan) -> Self {
        let rounds = if plan.quick { 3 } else { 11 };
        let service = Service::start(Mode::Embedded, plan.program.clone());
        let mut batches = Self::default();
        for round in 0..rounds {
            // neither has the smaller catalogue each time
            let turns = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for turn in turns {
                batches.run(&service, ROUTES[0], turn, 200, &promise);
            }
            let uploaded = [service.uploaded(ITEMS), service.uploaded(ITEMS)];
            for turn in turns {
                let statement = |at: usize| statement(&uploaded[turn][at].asset_id);
                batches.run(&service, ROUTES[1], turn, 201, &statement);
            }
            for route in &ROUTES[2..] {
                for turn in turns {
                    let item =
                        |at: usize| json!({"asset_id": uploaded[turn][at].asset_id}).to_string();
                    batches.run(&service, route, turn, 200, &item);
                }
            }
        }
        batches
    }

    fn run(
        &mut self,
        service: &Service,
        route: &'static str,
        turn: usize,
        status: u16,
        item: &dyn Fn(usize) -> String,
    ) {
        let (path, target) = match route {
            "presign" => ("presign-upload", None),
            "register" => ("register", None),
            _ => ("presign-download", Some(())),
        };
        let items: Vec<_> = (0..ITEMS).map(item).collect();
        let single = |item: &String| {
            if target.is_none() {
                return service.post(&format!("/nexus/raw/{path}"), item);
            }
            let item: Value = serde_json::from_str(item).unwrap();
            service.presign_download(item["asset_id"].as_str().unwrap())
        };
        let (connections, requests, expected) = if turn == 0 {
            (CALLERS, items.iter().map(single).collect(), status)
        } else {
            (1, vec![service.batch(path, &items)], 200)
        };
        let load = Load {
            server: service.address(),
            connections,
            requests: &requests,
        };
        let count = Until::Count(requests.len());
        let mut measured = load.run(&service.watched(), expected, count);
        if turn == 1 {
            check(&measured.last, status);
        }
        let runs = &mut self.measured.entry(route).or_default()[turn];
        let processor = [measured.processor.remove(0), measured.callers];
        runs.push(Run::of(measured.elapsed, processor));
    }
}

/// Each item must be answered by `status`.
fn check(body: &[u8], status: u16) {
    let body: Value = serde_json::from_slice(body).unwrap();
    let results = body["results"].as_array().unwrap();
    assert_eq!(results.len(), ITEMS);
    for result in results {
        assert_eq!(result["status"], status, "{result}");
    }
}

impl Run {
    #[expect(clippy::cast_precision_loss, reason = "1000 is exact")]
    fn of(elapsed: Duration, processor: [Duration; 2]) -> Self {
        let items = ITEMS as f64;
        Self {
            per_second: items / elapsed.as_secs_f64(),
            microseconds: processor.map(|time| time.as_secs_f64() * 1e6 / items),
        }
    }
}

impl fmt::Display for Batches {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "batches: {ITEMS} items in one request, against {ITEMS} requests on {CALLERS} connections"
        )?;
        writeln!(
            out,
            "{:<26} {:>10} {:>10} {:>7} {:>15} {:>15} {:>6}",
            "items", "single/s", "batch/s", "ratio", "server us, each", "client us, each", "rounds"
        )?;
        for route in ROUTES {
            let Some([single, batch]) = self.measured.get(route) else {
                continue;
            };
            let of_runs = |of: &dyn Fn(&Run) -> f64| {
                [single, batch].map(|runs| median(runs.iter().map(of).collect()))
            };
            let [singles, batches] = of_runs(&|run| run.per_second);
            let [server, client] = [0, 1].map(|at| {
                let [single, batch] = of_runs(&|run| run.microseconds[at]);
                format!("{single:.0} : {batch:.0}")
            });
            // of each round, since the machine is not the same in all
            let ratios = single.iter().zip(batch);
            let ratio = median(ratios.map(|(a, b)| b.per_second / a.per_second).collect());
            writeln!(
                out,
                "{route:<26} {singles:>10.0} {batches:>10.0} {ratio:>7.2} {server:>15} {client:>15} {:>6}",
                single.len()
            )?;
        }
        Ok(())
    }
}
