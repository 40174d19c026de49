use crate::{
    arguments::Plan,
    cases::BATCH,
    fastapi::FastApi,
    floor::Floor,
    house::Mode,
    load::{Load, Until},
    processor::{Memory, Process},
    report::Report,
    service::{Service, promise, statement},
};

/// What the connections of a batch are, and how many items it has.
const BATCHES: (usize, usize) = (4, 1000);

/// The connections of long answers: the bytes that a tenant's callers have not read are bounded, and
/// beyond that the answer is 429.
const READERS: usize = 8;

/// All routes of one mode against the floor, in turns.
pub(crate) struct Routes<'a> {
    plan: &'a Plan,
    service: Service,
    floor: Floor,
    report: Report,
    /// Of the requests that are measured next.
    connections: usize,
    /// All that is registered, in the order of registration.
    hot: Vec<String>,
    /// How long the answers are, in bytes.
    sizes: Sizes,
    /// Each a tenant with a token of its owner.
    tenants: Vec<(String, String)>,
}

#[derive(Default)]
struct Sizes {
    record: usize,
    presign: usize,
    download: usize,
    fact: usize,
    list: usize,
    events: usize,
}

impl<'a> Routes<'a> {
    pub(crate) fn prepare(mode: Mode, plan: &'a Plan) -> Self {
        let service = Service::start(mode, plan.program.clone());
        let hot = service.registered(plan.hot);
        let size = |request: Vec<u8>, status| service.ask(&request).with(status).body.len();
        let sizes = Sizes {
            record: size(service.record(&hot[0]), 200),
            presign: size(service.presign(0), 200),
            download: size(service.presign_download(&hot[0]), 200),
            fact: size(service.fact(&hot[0], 0), 201),
            list: size(service.get("/nexus/raw"), 200),
            events: size(service.get(EVENTS), 200),
        };
        let tenants = match mode {
            Mode::Embedded => 0..0,
            Mode::Platform => 0..1000,
        };
        let tenants = tenants.map(|number| {
            let tenant = format!("t_{number}");
            let token = service.site.token(&tenant);
            (tenant, token)
        });
        Self {
            plan,
            tenants: tenants.collect(),
            service,
            floor: Floor::start(),
            report: Report::new(mode),
            connections: plan.connections,
            hot,
            sizes,
        }
    }

    pub(crate) fn measure(mut self) -> Report {
        for _ in 0..self.plan.rounds {
            self.reads();
            self.presigns();
            self.registrations();
        }
        self.report
    }

    fn reads(&mut self) {
        let pages = self.pages();
        // nothing is in memory: the newer half is listed, records of the older one are read
        self.service.restart();
        self.connections = READERS;
        self.floor("floor: list", Floor::get(self.sizes.list));
        let newer = self.pages_of(&pages[..pages.len() / 2]);
        self.once("list of 100, cold", &newer, 200);
        let lists = self.pages_of(&pages);
        self.connections = self.plan.connections;
        self.floor("floor: GET", Floor::get(self.sizes.record));
        let older = self.hot[..self.hot.len() / 2].iter();
        let records: Vec<_> = older.map(|id| self.service.record(id)).collect();
        self.once("GET record, cold", &records, 200);

        let all: Vec<_> = self.hot.iter().map(|id| self.service.record(id)).collect();
        self.warm(&all);
        self.over("GET record, hot", &all, 200);
        let unless = |id: &String| {
            let answer = self.service.ask(&self.service.record(id)).with(200);
            self.service.record_unless(id, answer.header("etag"))
        };
        // each is asked for its entity tag on a connection of its own
        let unless: Vec<_> = self.hot.iter().take(1000).map(unless).collect();
        self.over("GET record, 304", &unless, 304);
        let health = self.service.get("/healthz");
        self.over("healthz", &[health], 200);

        self.connections = READERS;
        self.warm(&lists);
        self.over("list of 100, hot", &lists, 200);
        self.floor("floor: events", Floor::get(self.sizes.events));
        let events = self.service.get(EVENTS);
        self.over("events, 100 a page", &[events], 200);
        self.connections = self.plan.connections;
    }

    fn presigns(&mut self) {
        let floor = Floor::post(&promise(0), self.sizes.presign);
        self.floor("floor: presign", floor);
        let presigns: Vec<_> = (0..1000).map(|at| self.service.presign(at)).collect();
        self.over("presign-upload", &presigns, 200);
        for (name, count) in [
            ("presign-upload, 8 tenants", 8),
            ("presign-upload, 1,000 tenants", 1000),
        ] {
            let presign = |(at, (tenant, token)): (usize, &(String, String))| {
                Service::presign_of(tenant, token, at)
            };
            let tenants = self.tenants.iter().take(count).enumerate();
            let presigns: Vec<_> = tenants.map(presign).collect();
            if !presigns.is_empty() {
                self.over(name, &presigns, 200);
            }
        }
        let (connections, items) = BATCHES;
        let promises: Vec<_> = (0..items).map(promise).collect();
        let load = Load {
            server: self.service.address(),
            connections,
            requests: &[self.service.batch("presign-upload", &promises)],
        };
        let until = Until::Over(self.plan.time);
        let measured = load.run(&self.service.watched(), 200, until);
        let resident = Memory::of(self.service.running().id()).resident;
        self.report.add(BATCH, measured.sample(items, resident));
    }

    fn registrations(&mut self) {
        let uploaded = self.service.uploaded(self.plan.distinct);
        if self.report.mode == Mode::Embedded {
            self.fastapi(&uploaded);
        }
        let of = |request: &dyn Fn(&str) -> Vec<u8>| -> Vec<_> {
            uploaded.iter().map(|it| request(&it.asset_id)).collect()
        };
        let first = &uploaded[0].asset_id;
        let floor = Floor::post(&statement(first), self.sizes.record);
        let registers = of(&|id| self.service.register(id));
        let downloads = of(&|id| self.service.presign_download(id));
        let facts = of(&|id| self.service.fact(id, 1));
        self.floor("floor: register", floor);
        self.once("register", &registers, 201);
        self.floor("floor: download", Floor::post("{}", self.sizes.download));
        self.once("presign-download, first", &downloads, 200);
        self.over("presign-download, repeat", &downloads, 200);
        let floor = Floor::post(FACT, self.sizes.fact);
        self.floor("floor: fact", floor);
        self.once("fact", &facts, 201);
    }

    /// What users would write instead: both routes without event, record and intent.
    fn fastapi(&mut self, uploaded: &[crate::service::Uploaded]) {
        let store = self.service.site.store(self.service.running());
        let fastapi = FastApi::start(&store, &self.service.site.token_secret());
        let presigns: Vec<_> = (0..1000).map(|at| self.service.presign(at)).collect();
        let registers: Vec<_> = uploaded
            .iter()
            .map(|it| {
                let body = FastApi::statement(&it.asset_id, &it.filename);
                self.service.post("/nexus/raw/register", &body)
            })
            .collect();
        let until = Until::Over(self.plan.time);
        for (name, requests, status) in [
            ("FastAPI: presign-upload", &presigns, 200),
            ("FastAPI: register", &registers, 201),
        ] {
            let load = self.load(fastapi.address, requests);
            // its processes import and connect at their first requests
            load.run(&[], status, Until::Count(500));
            let measured = load.run(&[&fastapi], status, until);
            let sample = measured.sample(1, fastapi.resident());
            self.report.add(name, sample);
        }
    }

    /// Follows the cursors from the newest asset to the oldest.
    fn pages(&self) -> Vec<String> {
        let mut pages = vec!["/nexus/raw?limit=100".to_owned()];
        for _ in 1..self.plan.hot / 100 {
            let target = pages.last().unwrap();
            let page = self.service.ask(&self.service.get(target)).with(200).json();
            assert_eq!(page["assets"].as_array().unwrap().len(), 100);
            let cursor = page["next_cursor"].as_str().unwrap();
            pages.push(format!("/nexus/raw?limit=100&cursor={cursor}"));
        }
        pages
    }

    fn pages_of(&self, pages: &[String]) -> Vec<Vec<u8>> {
        pages.iter().map(|page| self.service.get(page)).collect()
    }

    fn floor(&mut self, name: &str, request: Vec<u8>) {
        let requests = [request];
        let load = self.load(self.floor.address, &requests);
        let measured = load.run(&[&self.floor], 200, Until::Over(self.plan.time));
        let resident = Memory::of(self.floor.id()).resident;
        self.report.add(name, measured.sample(1, resident));
    }

    fn warm(&self, requests: &[Vec<u8>]) {
        let load = self.load(self.service.address(), requests);
        load.run(&[], 200, Until::Count(requests.len()));
    }

    /// Each request once.
    fn once(&mut self, name: &str, requests: &[Vec<u8>], status: u16) {
        self.run(name, requests, status, Until::Count(requests.len()));
    }

    fn over(&mut self, name: &str, requests: &[Vec<u8>], status: u16) {
        self.run(name, requests, status, Until::Over(self.plan.time));
    }

    fn run(&mut self, name: &str, requests: &[Vec<u8>], status: u16, until: Until) {
        let load = self.load(self.service.address(), requests);
        let measured = load.run(&self.service.watched(), status, until);
        let resident = Memory::of(self.service.running().id()).resident;
        self.report.add(name, measured.sample(1, resident));
    }

    fn load<'b>(&self, server: std::net::SocketAddr, requests: &'b [Vec<u8>]) -> Load<'b> {
        Load {
            server,
            connections: self.connections,
            requests,
        }
    }
}

const EVENTS: &str = "/nexus/raw/events?limit=100";
const FACT: &str = r#"{"kind":"rights_holder","value":"Studio 1"}"#;
