use std::{env, net::SocketAddr};

use crate::{
    counter,
    harness::{
        arguments::Plan,
        collected::Collected,
        figures::Figure,
        floor::Floor,
        house::Mode,
        load::{Load, Until},
        processor::Process,
        service::{Service, promise, statement},
    },
};

/// The connections of lists: the bytes that a tenant's callers have not read are bounded.
const READERS: usize = 8;

/// How many requests are sent before it is counted: they grow what is kept and used again.
const WARMED: usize = 300;

/// How many are sent then, if they can be repeated: so many that those of opening connections count
/// for nothing.
const REPEATED: usize = 12_000;

/// The items of a batch.
const ITEMS: usize = 1000;

/// A server, and the requests that are counted.
struct Counted<'a> {
    process: &'a dyn Process,
    server: SocketAddr,
    connections: usize,
    /// Of a request.
    items: usize,
}

impl Counted<'_> {
    /// Counts requests that can be repeated.
    fn over(&self, to: &mut Collected, name: &str, requests: &[Vec<u8>], status: u16) {
        self.send(requests, status, WARMED.div_ceil(self.items));
        self.count(to, name, requests, status, REPEATED / self.items);
    }

    /// Counts requests that can be sent once only.
    fn once(&self, to: &mut Collected, name: &str, requests: &[Vec<u8>], status: u16) {
        let (first, rest) = requests.split_at(WARMED);
        self.send(first, status, first.len());
        self.count(to, name, rest, status, rest.len());
    }

    fn count(
        &self,
        to: &mut Collected,
        name: &str,
        requests: &[Vec<u8>],
        status: u16,
        times: usize,
    ) {
        let before = counter::of(self.process.id());
        self.send(requests, status, times);
        let after = counter::of(self.process.id());
        #[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
        let each = |after: u64, before: u64| (after - before) as f64 / (times * self.items) as f64;
        let allocations = each(after.times, before.times);
        to.add(name, "allocations", None, allocations);
        to.add(name, "bytes", None, each(after.bytes, before.bytes));
    }

    fn send(&self, requests: &[Vec<u8>], status: u16, times: usize) {
        let load = Load {
            server: self.server,
            connections: self.connections,
            requests,
        };
        load.run(&[], status, Until::Count(times));
    }
}

/// Counts what each route allocates, round by round.
pub(crate) fn measure(plan: &Plan) -> Vec<Figure> {
    let mut collected = Collected::of("a request");
    for _ in 0..plan.rounds {
        round(plan, &mut collected);
    }
    collected.figures()
}

fn round(plan: &Plan, to: &mut Collected) {
    let service = Service::start(Mode::Embedded, Some(env::current_exe().unwrap()));
    // so few that all are in memory before it is counted
    let hot = service.registered(WARMED);
    let uploaded = service.uploaded(plan.distinct);
    let of = |request: &dyn Fn(&str) -> Vec<u8>| -> Vec<_> {
        uploaded.iter().map(|it| request(&it.asset_id)).collect()
    };
    let size = |request: Vec<u8>, status| service.ask(&request).with(status).body.len();
    let (record, presign) = (
        size(service.record(&hot[0]), 200),
        size(service.presign(0), 200),
    );

    let floor = Floor::start();
    let bare = Counted {
        process: &floor,
        server: floor.address,
        connections: plan.connections,
        items: 1,
    };
    bare.over(to, "floor: GET", &[Floor::get(record)], 200);
    let post = Floor::post(&promise(0), presign);
    bare.over(to, "floor: presign-upload", &[post], 200);
    let post = Floor::post(&statement(&hot[0]), record);
    bare.over(to, "floor: register", &[post], 200);

    let server = Counted {
        process: service.running(),
        server: service.address(),
        connections: plan.connections,
        items: 1,
    };
    let records: Vec<_> = hot.iter().map(|id| service.record(id)).collect();
    let unless: Vec<_> = hot
        .iter()
        .map(|id| {
            let answer = service.ask(&service.record(id)).with(200);
            service.record_unless(id, answer.header("etag"))
        })
        .collect();
    let presigns: Vec<_> = (0..1000).map(|at| service.presign(at)).collect();
    server.over(to, "healthz", &[service.get("/healthz")], 200);
    server.over(to, "GET record, hot", &records, 200);
    server.over(to, "GET record, 304", &unless, 304);
    server.over(to, "presign-upload", &presigns, 200);
    server.once(to, "register", &of(&|id| service.register(id)), 201);
    let downloads = of(&|id| service.presign_download(id));
    server.once(to, "presign-download, first", &downloads, 200);
    server.over(to, "presign-download, repeat", &downloads, 200);
    server.once(to, "fact", &of(&|id| service.fact(id, 1)), 201);

    let lists = Counted {
        connections: READERS,
        ..server
    };
    let list = service.get("/nexus/raw?limit=100");
    lists.over(to, "list of 100, hot", &[list], 200);
    let promises: Vec<_> = (0..ITEMS).map(promise).collect();
    let batches = Counted {
        connections: 1,
        items: ITEMS,
        ..server
    };
    let batch = service.batch("presign-upload", &promises);
    batches.over(to, "batch presign, an item", &[batch], 200);
}
