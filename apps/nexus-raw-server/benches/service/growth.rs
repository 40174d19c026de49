//! What more assets in a scope cost.

use std::process::Command;

use crate::{
    arguments::Plan,
    collected::Collected,
    figures::{Figure, Goal::AtLeast},
    house::Mode,
    load::{Load, Until},
    service::Service,
};

const FEW: usize = 10_000;
/// Those that are registered through the API; the others are copies of them.
const TEMPLATES: usize = 8;
const FILL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/service/fill.py");

/// The service on a catalogue of so many assets.
struct Grown {
    service: Service,
    /// The sequences of the first and the last copy, from which their ids are made.
    copies: [usize; 2],
}

impl Grown {
    fn fill(plan: &Plan, count: usize) -> Self {
        let mut service = Service::start(Mode::Embedded, plan.program.clone());
        service.registered(TEMPLATES);
        service.stop();
        let catalogue = service.site.machine().data_dir().join("catalog.sqlite");
        let filled = Command::new("python3")
            .arg(FILL)
            .arg(catalogue)
            .arg(count.to_string())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&filled.stderr);
        assert!(filled.status.success(), "{errors}");
        let text = String::from_utf8(filled.stdout).unwrap();
        let mut numbers = text.split_whitespace().map(|it| it.parse().unwrap());
        let copies = [numbers.next().unwrap(), numbers.next().unwrap()];
        service.restart();
        Self { service, copies }
    }

    /// Reads of so many assets, as far apart as they can be.
    fn records(&self, count: usize) -> Vec<Vec<u8>> {
        let [first, last] = self.copies;
        let step = (last - first) / count;
        let id = |at: usize| format!("019b0000-0000-7000-8000-{:012x}", first + at * step);
        (0..count).map(|at| self.service.record(&id(at))).collect()
    }

    /// Pages from the newest asset on.
    fn pages(&self, count: usize) -> Vec<Vec<u8>> {
        let mut target = "/nexus/raw?limit=100".to_owned();
        (0..count)
            .map(|_| {
                let request = self.service.get(&target);
                let page = self.service.ask(&request).with(200).json();
                let cursor = page["next_cursor"].as_str().unwrap();
                target = format!("/nexus/raw?limit=100&cursor={cursor}");
                request
            })
            .collect()
    }
}

/// Each request on a catalogue of few assets and on one of many, in turns.
pub(crate) fn growth(plan: &Plan) -> Vec<Figure> {
    let many = if plan.quick { 100_000 } else { 2_000_000 };
    let mut catalogues = [FEW, many].map(|count| Grown::fill(plan, count));
    let mut collected = Collected::of("growth");
    let count = plan.distinct;
    for _ in 0..plan.rounds {
        let mut samples: [Vec<_>; 2] = [Vec::new(), Vec::new()];
        let requests = catalogues.each_mut().map(|grown| {
            let pages = grown.pages(50);
            // nothing is in memory
            grown.service.restart();
            let uploaded = grown.service.uploaded(count);
            let register = |id: &String| grown.service.register(id);
            [
                ("GET record, cold", 64, grown.records(count), 200),
                ("list of 100", 8, pages, 200),
                (
                    "presign-upload",
                    64,
                    (0..count).map(|at| grown.service.presign(at)).collect(),
                    200,
                ),
                (
                    "register",
                    64,
                    uploaded.iter().map(|it| register(&it.asset_id)).collect(),
                    201,
                ),
            ]
        });
        let names = requests[0].each_ref().map(|(name, ..)| *name);
        for at in 0..names.len() {
            for (catalogue, requests) in requests.iter().enumerate() {
                let (_, connections, requests, status) = &requests[at];
                let service = &catalogues[catalogue].service;
                let load = Load {
                    server: service.address(),
                    connections: *connections,
                    requests,
                };
                let until = Until::Count(requests.len());
                let measured = load.run(&service.watched(), *status, until);
                samples[catalogue].push(measured.sample(1, 0));
            }
        }
        let [few, many_samples] = samples;
        for ((name, few), many_assets) in names.iter().zip(few).zip(many_samples) {
            let name = format!("{name}, {many} assets : {FEW}");
            let goal = Some(AtLeast(0.85));
            collected.add(&name, "of the rate", goal, many_assets.rate / few.rate);
            let microseconds = many_assets.server / few.server;
            collected.add(&name, "server us, ratio", None, microseconds);
        }
    }
    collected.figures()
}
