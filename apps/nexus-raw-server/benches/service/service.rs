use std::net::SocketAddr;

use nexus_raw::{asset::Sha256Digest, tenancy::Role};
use serde_json::{Value, json};

use crate::{
    load::{Load, Until},
    machine::{Machine, Server},
    processor::Process,
};

const CONTENT: &[u8] = b"certainly a photograph";
/// How many callers prepare what is measured.
const PREPARING: usize = 32;

/// A route for one item that has one for many.
#[derive(Clone, Copy)]
pub(crate) enum Batch {
    Presign,
    Register,
    Download,
}

/// The program in embedded mode, with one asset registered.
pub(crate) struct Service {
    server: Server,
    token: String,
    asset_id: String,
    /// How long the answers are, in bytes.
    pub(crate) presign_bytes: usize,
    pub(crate) record_bytes: usize,
    // last: it goes when the server is gone
    _machine: Machine,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let machine = Machine::new();
        let server = machine.start();
        let mut service = Self {
            token: machine.token("t_demo", Role::Owner),
            server,
            asset_id: String::new(),
            presign_bytes: 0,
            record_bytes: 0,
            _machine: machine,
        };
        let presigned = service.one(service.presign(0), 200).await;
        service.presign_bytes = presigned.len();
        service.asset_id = service.uploaded(1).await.remove(0);
        let record = service.one(service.register(&service.asset_id), 201).await;
        service.record_bytes = record.len();
        service
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    pub(crate) fn healthz(&self) -> Vec<u8> {
        let host = self.address();
        format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n").into_bytes()
    }

    pub(crate) fn record(&self) -> Vec<u8> {
        self.request("GET", &format!("/nexus/raw/{}", self.asset_id), "", "")
    }

    pub(crate) fn record_not_modified(&self) -> Vec<u8> {
        let target = format!("/nexus/raw/{}", self.asset_id);
        self.request("GET", &target, "if-none-match: *\r\n", "")
    }

    pub(crate) fn events(&self) -> Vec<u8> {
        let target = format!("/nexus/raw/{}/events", self.asset_id);
        self.request("GET", &target, "", "")
    }

    /// The body of a presign.
    pub(crate) fn promise(at: usize) -> String {
        json!({
            "filename": format!("DSCN{at:06}.jpg"),
            "content_type": "image/jpeg",
            "size_bytes": CONTENT.len(),
            "sha256": Sha256Digest::of(CONTENT),
        })
        .to_string()
    }

    pub(crate) fn presign(&self, at: usize) -> Vec<u8> {
        let body = Self::promise(at);
        self.request("POST", "/nexus/raw/presign-upload", JSON, &body)
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

    pub(crate) fn register(&self, asset_id: &str) -> Vec<u8> {
        let body = Self::statement(asset_id);
        self.request("POST", "/nexus/raw/register", JSON, &body)
    }

    /// A request for one item, by its JSON as in a batch.
    pub(crate) fn single(&self, kind: Batch, item: &str) -> Vec<u8> {
        match kind {
            Batch::Presign => self.request("POST", "/nexus/raw/presign-upload", JSON, item),
            Batch::Register => self.request("POST", "/nexus/raw/register", JSON, item),
            Batch::Download => {
                let item: Value = serde_json::from_str(item).unwrap();
                let asset_id = item["asset_id"].as_str().unwrap();
                let target = format!("/nexus/raw/{asset_id}/presign-download");
                self.request("POST", &target, JSON, "{}")
            }
        }
    }

    /// A request for all items.
    pub(crate) fn batch(&self, kind: Batch, items: &[String]) -> Vec<u8> {
        let route = match kind {
            Batch::Presign => "presign-upload",
            Batch::Register => "register",
            Batch::Download => "presign-download",
        };
        let body = format!("{{\"items\":[{}]}}", items.join(","));
        self.request("POST", &format!("/nexus/raw/{route}/batch"), JSON, &body)
    }

    /// Presigns and uploads so many assets, and registers none.
    pub(crate) async fn uploaded(&self, count: usize) -> Vec<String> {
        let count = Until::Count(count);
        let presign = Load::each(self.address(), PREPARING, |at| self.presign(at));
        let presigned = presign.send(self, 200, count).await.bodies;
        let presigned: Vec<Value> = presigned
            .iter()
            .map(|body| serde_json::from_slice(body).unwrap())
            .collect();
        let (store, _) = store_and_target(&presigned[0]);
        let upload = Load::each(store, PREPARING, |at| upload(&presigned[at]));
        upload.run(self, 200, count).await;
        let ids = presigned.iter().map(|it| it["asset_id"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    }

    async fn one(&self, request: Vec<u8>, status: u16) -> Vec<u8> {
        let load = Load::new(self.address(), 1, request);
        let mut measured = load.send(self, status, Until::Count(1)).await;
        measured.bodies.remove(0)
    }

    fn request(&self, method: &str, target: &str, headers: &str, body: &str) -> Vec<u8> {
        let (host, token, length) = (self.address(), &self.token, body.len());
        format!(
            "{method} {target} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
             x-tenant-id: t_demo\r\nx-env: dev\r\n{headers}content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

const JSON: &str = "content-type: application/json\r\n";

impl Process for Service {
    fn id(&self) -> u32 {
        self.server.id()
    }
}

fn store_and_target(presigned: &Value) -> (SocketAddr, &str) {
    let url = presigned["upload"]["url"].as_str().unwrap();
    let address = url.strip_prefix("http://").unwrap();
    let (host, _) = address.split_once('/').unwrap();
    (host.parse().unwrap(), &address[host.len()..])
}

fn upload(presigned: &Value) -> Vec<u8> {
    let (host, target) = store_and_target(presigned);
    let mut request = format!("PUT {target} HTTP/1.1\r\nhost: {host}\r\n");
    for (name, value) in presigned["upload"]["headers"].as_object().unwrap() {
        request.push_str(name);
        request.push_str(": ");
        request.push_str(value.as_str().unwrap());
        request.push_str("\r\n");
    }
    let length = CONTENT.len();
    let mut request = format!("{request}content-length: {length}\r\n\r\n").into_bytes();
    request.extend(CONTENT);
    request
}
