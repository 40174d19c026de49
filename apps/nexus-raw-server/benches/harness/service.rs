use std::{net::SocketAddr, path::PathBuf};

use nexus_raw::asset::Sha256Digest;
use serde_json::{Value, json};

use super::{
    exchange::{Answer, ask},
    house::{Mode, Site, host_and_target},
    load::{Load, Until},
    processor::Process,
    running::Running,
};

pub(crate) const CONTENT: &[u8] = b"certainly a photograph";
pub(crate) const TENANT: &str = "t_demo";
/// How many items a batch may have.
const BATCH: usize = 1000;
/// How many callers upload what is measured later.
const UPLOADERS: usize = 32;

/// The service, and how to ask it.
pub(crate) struct Service {
    pub(crate) site: Site,
    running: Option<Running>,
    token: String,
}

/// An asset that is uploaded and not registered.
pub(crate) struct Uploaded {
    pub(crate) asset_id: String,
    pub(crate) filename: String,
}

impl Service {
    pub(crate) fn start(mode: Mode, program: Option<PathBuf>) -> Self {
        let site = Site::open(mode, program);
        let running = site.start();
        Self {
            token: site.token(TENANT),
            running: Some(running),
            site,
        }
    }

    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }

    /// Starts it anew, with nothing in memory.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.running = Some(self.site.start());
        // which lasts an hour
        self.token = self.site.token(TENANT);
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running().address
    }

    /// The processes to watch: its own, and the database's.
    pub(crate) fn watched(&self) -> Vec<&dyn Process> {
        let own = self.running() as &dyn Process;
        let database = self.site.database().map(|it| it as &dyn Process);
        std::iter::once(own).chain(database).collect()
    }

    pub(crate) fn ask(&self, request: &[u8]) -> Answer {
        ask(self.address(), request)
    }

    pub(crate) fn get(&self, target: &str) -> Vec<u8> {
        self.request("GET", target, "", "")
    }

    pub(crate) fn record(&self, asset_id: &str) -> Vec<u8> {
        self.get(&format!("/nexus/raw/{asset_id}"))
    }

    pub(crate) fn record_unless(&self, asset_id: &str, etag: &str) -> Vec<u8> {
        let target = format!("/nexus/raw/{asset_id}");
        self.request("GET", &target, &format!("if-none-match: {etag}\r\n"), "")
    }

    pub(crate) fn post(&self, target: &str, body: &str) -> Vec<u8> {
        self.request("POST", target, JSON, body)
    }

    /// A presign in a tenant, by an owner of it.
    pub(crate) fn presign_of(tenant: &str, token: &str, at: usize) -> Vec<u8> {
        let (target, body) = ("/nexus/raw/presign-upload", promise(at));
        request([tenant, token], "POST", target, JSON, &body)
    }

    pub(crate) fn presign(&self, at: usize) -> Vec<u8> {
        self.post("/nexus/raw/presign-upload", &promise(at))
    }

    pub(crate) fn register(&self, asset_id: &str) -> Vec<u8> {
        self.post("/nexus/raw/register", &statement(asset_id))
    }

    pub(crate) fn presign_download(&self, asset_id: &str) -> Vec<u8> {
        self.post(&format!("/nexus/raw/{asset_id}/presign-download"), "{}")
    }

    pub(crate) fn fact(&self, asset_id: &str, at: usize) -> Vec<u8> {
        let body = json!({"kind": "rights_holder", "value": format!("Studio {at}")});
        self.post(&format!("/nexus/raw/{asset_id}/facts"), &body.to_string())
    }

    /// A request for all items of a route that has batches.
    pub(crate) fn batch(&self, route: &str, items: &[String]) -> Vec<u8> {
        let body = format!("{{\"items\":[{}]}}", items.join(","));
        self.post(&format!("/nexus/raw/{route}/batch"), &body)
    }

    /// Presigns and uploads so many assets, and registers none.
    pub(crate) fn uploaded(&self, count: usize) -> Vec<Uploaded> {
        let (mut uploaded, mut uploads, mut store) = (Vec::new(), Vec::new(), None);
        let numbers: Vec<_> = (0..count).collect();
        for numbers in numbers.chunks(BATCH) {
            let items: Vec<_> = numbers.iter().map(|&at| promise(at)).collect();
            for (&at, presigned) in numbers.iter().zip(self.results("presign-upload", &items)) {
                uploaded.push(Uploaded {
                    asset_id: presigned["asset_id"].as_str().unwrap().to_owned(),
                    filename: filename(at),
                });
                let (host, upload) = upload(&presigned["upload"]);
                uploads.push(upload);
                store = Some(host);
            }
        }
        let load = Load {
            server: store.unwrap(),
            connections: UPLOADERS,
            requests: &uploads,
        };
        load.run(&[], 200, Until::Count(count));
        uploaded
    }

    /// The ids of so many new assets.
    pub(crate) fn registered(&self, count: usize) -> Vec<String> {
        let ids: Vec<_> = self
            .uploaded(count)
            .into_iter()
            .map(|it| it.asset_id)
            .collect();
        for ids in ids.chunks(BATCH) {
            let items: Vec<_> = ids.iter().map(|id| statement(id)).collect();
            self.results("register", &items);
        }
        ids
    }

    /// The bodies of a batch, each item of which must succeed. One that was not begun in time is
    /// sent again.
    fn results(&self, route: &str, items: &[String]) -> Vec<Value> {
        const ATTEMPTS: usize = 20;
        let mut bodies = vec![Value::Null; items.len()];
        let mut left: Vec<usize> = (0..items.len()).collect();
        for _ in 0..ATTEMPTS {
            let batch: Vec<_> = left.iter().map(|&at| items[at].clone()).collect();
            let mut answer = self.ask(&self.batch(route, &batch)).with(200).json();
            let results = answer["results"].as_array_mut().unwrap();
            let mut again = Vec::new();
            for (at, result) in left.into_iter().zip(results) {
                match result["status"].as_u64().unwrap() {
                    200 | 201 => bodies[at] = result["body"].take(),
                    503 => again.push(at),
                    _ => panic!("{result}"),
                }
            }
            if again.is_empty() {
                return bodies;
            }
            left = again;
        }
        panic!("{} items of {route} were never begun", left.len());
    }

    fn request(&self, method: &str, target: &str, headers: &str, body: &str) -> Vec<u8> {
        request([TENANT, &self.token], method, target, headers, body)
    }
}

const JSON: &str = "content-type: application/json\r\n";

fn request(
    [tenant, token]: [&str; 2],
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\nhost: service\r\nauthorization: Bearer {token}\r\n\
         x-tenant-id: {tenant}\r\nx-env: dev\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn filename(at: usize) -> String {
    format!("DSCN{at:06}.jpg")
}

/// The body of a presign.
pub(crate) fn promise(at: usize) -> String {
    json!({
        "filename": filename(at),
        "content_type": "image/jpeg",
        "size_bytes": CONTENT.len(),
        "sha256": Sha256Digest::of(CONTENT),
    })
    .to_string()
}

/// The body of a register.
pub(crate) fn statement(asset_id: &str) -> String {
    json!({
        "asset_id": asset_id,
        "captured_at": "2008-10-22T16:28:39Z",
        "capture_location": {"latitude": 43.467_448, "longitude": 11.885_127},
        "pii_flags": ["location"],
        "labels": {"camera": "COOLPIX P6000"},
    })
    .to_string()
}

/// The store, and the request of an upload.
fn upload(upload: &Value) -> (SocketAddr, Vec<u8>) {
    let (host, target) = host_and_target(upload["url"].as_str().unwrap());
    let mut request = format!("PUT {target} HTTP/1.1\r\nhost: {host}\r\n");
    for (name, value) in upload["headers"].as_object().unwrap() {
        request.push_str(name);
        request.push_str(": ");
        request.push_str(value.as_str().unwrap());
        request.push_str("\r\n");
    }
    let length = CONTENT.len();
    let mut request = format!("{request}content-length: {length}\r\n\r\n").into_bytes();
    request.extend(CONTENT);
    (host, request)
}
