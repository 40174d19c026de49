//! A client that does the main job over and over, until the server is gone.

use std::{net::SocketAddr, sync::Arc};

use nexus_raw::asset::Sha256Digest;
use serde_json::{Value, json};

use crate::{
    http::{Answer, Request},
    ledger::Ledger,
};

/// One name is a prefix of the other, so that a confusion of scopes shows.
pub(crate) const TENANTS: [&str; 2] = ["t_crash", "t_crash-b"];
const ENV: &str = "dev";

#[derive(Clone)]
pub(crate) struct Client {
    server: SocketAddr,
    token: Arc<str>,
}

impl Client {
    pub(crate) fn new(server: SocketAddr, token: &str) -> Self {
        Self {
            server,
            token: token.into(),
        }
    }

    /// Presigns, uploads and registers until the server no longer answers.
    pub(crate) async fn work(&self, worker: usize, ledger: &Ledger) {
        let tenant = TENANTS[worker % TENANTS.len()];
        let mut turn = 0;
        while self.one_asset(tenant, worker, turn, ledger).await.is_some() {
            turn += 1;
        }
    }

    /// `None` as soon as an answer is missing.
    async fn one_asset(
        &self,
        tenant: &'static str,
        worker: usize,
        turn: usize,
        ledger: &Ledger,
    ) -> Option<()> {
        let content = format!("asset {worker} {turn} ").repeat(1 + turn % 200);
        let presigned = self.presign(tenant, content.as_bytes()).await?;
        let asset_id = presigned["asset_id"].as_str().unwrap();
        ledger.presigned(asset_id, (tenant, ENV));

        let answer = whole(upload(&presigned["upload"], content.as_bytes()).await)?;
        assert_eq!(answer.status, 200, "upload of {asset_id}");
        ledger.uploaded(asset_id);

        let answer = self.register(tenant, asset_id).await?;
        assert_eq!(answer.status, 201, "{}", answer.json());
        ledger.registered(asset_id, answer.body);
        Some(())
    }

    pub(crate) async fn presign(&self, tenant: &str, content: &[u8]) -> Option<Value> {
        presigned(self.promise(tenant, content)).await
    }

    pub(crate) async fn presign_keyed(
        &self,
        tenant: &str,
        key: &str,
        content: &[u8],
    ) -> Option<Value> {
        let request = self.promise(tenant, content);
        presigned(request.header("idempotency-key", key)).await
    }

    fn promise(&self, tenant: &str, content: &[u8]) -> Request {
        let body = json!({
            "filename": "crash.bin",
            "size_bytes": content.len(),
            "sha256": Sha256Digest::of(content),
        });
        self.posting(tenant, "/nexus/raw/presign-upload")
            .json(&body)
    }

    pub(crate) async fn register(&self, tenant: &str, asset_id: &str) -> Option<Answer> {
        let body = json!({
            "asset_id": asset_id,
            "pii_flags": ["other"],
            "labels": {"written-by": "the crash test"},
        });
        self.post(tenant, "/nexus/raw/register", &body).await
    }

    pub(crate) async fn get(&self, tenant: &str, path: &str) -> Answer {
        self.request("GET", tenant, path).send().await
    }

    async fn post(&self, tenant: &str, path: &str, body: &Value) -> Option<Answer> {
        whole(
            self.posting(tenant, path)
                .json(body)
                .send_to_the_end()
                .await,
        )
    }

    fn posting(&self, tenant: &str, path: &str) -> Request {
        let request = self.request("POST", tenant, path);
        request.header("content-type", "application/json")
    }

    fn request(&self, method: &str, tenant: &str, path: &str) -> Request {
        Request::new(self.server, method, path)
            .header("authorization", &format!("Bearer {}", self.token))
            .header("x-tenant-id", tenant)
            .header("x-env", ENV)
    }
}

async fn presigned(request: Request) -> Option<Value> {
    let answer = whole(request.send_to_the_end().await)?;
    let (status, body) = answer.whole();
    assert_eq!(status, 200, "{body}");
    Some(body)
}

async fn upload(upload: &Value, content: &[u8]) -> Option<Answer> {
    let url = upload["url"].as_str().unwrap();
    let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
    let mut request =
        Request::new(host.parse().unwrap(), "PUT", &format!("/{path}")).with("host", host);
    for (name, value) in upload["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.body(content).send_to_the_end().await
}

/// An answer that the kill cut short is none.
fn whole(answer: Option<Answer>) -> Option<Answer> {
    answer.filter(Answer::is_whole)
}
