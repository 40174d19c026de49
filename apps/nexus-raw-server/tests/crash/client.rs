//! A client that does the main job over and over, until the server is gone.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use nexus_raw::asset::Sha256Digest;
use serde_json::{Value, json};

use crate::{
    common::parts::{self, PART},
    http::{Answer, Request},
    ledger::Ledger,
};

/// One name is a prefix of the other, so that a confusion of scopes shows.
pub(crate) const TENANTS: [&str; 2] = ["t_crash", "t_crash-b"];
pub(crate) const ENV: &str = "dev";

/// How long the work of a dead process may stay claimed, which is a second here.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

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

    /// Presigns, uploads and registers until the server no longer answers. The first upload in parts
    /// has a whole part and another one where it is `long`, the others have one.
    pub(crate) async fn work(&self, worker: usize, mut long: bool, ledger: &Ledger) {
        let tenant = TENANTS[worker % TENANTS.len()];
        for turn in 0.. {
            let mut content = format!("asset {worker} {turn} ").repeat(1 + turn % 200);
            let kind = (turn + worker) % 4;
            let in_parts = kind % 2 == 1;
            if in_parts && std::mem::take(&mut long) {
                content = content.repeat(1 + PART / content.len());
            }
            let done = if in_parts {
                let is_aborted = kind == 3;
                self.one_in_parts(tenant, content.as_bytes(), is_aborted, ledger)
                    .await
            } else {
                self.one_asset(tenant, content.as_bytes(), ledger).await
            };
            if done.is_none() {
                return;
            }
        }
    }

    /// `None` as soon as an answer is missing.
    async fn one_asset(&self, tenant: &'static str, content: &[u8], ledger: &Ledger) -> Option<()> {
        let presigned = self.presign(tenant, content).await?;
        let asset_id = presigned["asset_id"].as_str().unwrap();
        ledger.presigned(asset_id, (tenant, ENV));

        let answer = whole(upload(&presigned["upload"], content).await)?;
        assert_eq!(answer.status, 200, "upload of {asset_id}");
        self.register_uploaded(tenant, asset_id, ledger).await
    }

    async fn one_in_parts(
        &self,
        tenant: &'static str,
        content: &[u8],
        is_aborted: bool,
        ledger: &Ledger,
    ) -> Option<()> {
        let asset_id = self.presign_in_parts(tenant, content).await?;
        ledger.presigned(&asset_id, (tenant, ENV));
        ledger.in_parts(&asset_id, content);
        self.upload_parts(tenant, &asset_id, content).await?;
        if is_aborted {
            ledger.aborting(&asset_id);
            self.abort(tenant, &asset_id).await
        } else {
            self.register_uploaded(tenant, &asset_id, ledger).await
        }
    }

    async fn register_uploaded(&self, tenant: &str, id: &str, ledger: &Ledger) -> Option<()> {
        ledger.uploaded(id);
        let answer = self.register(tenant, id).await?;
        assert_eq!(answer.status, 201, "{}", answer.json());
        ledger.registered(id, answer.body);
        Some(())
    }

    pub(crate) async fn presign(&self, tenant: &str, content: &[u8]) -> Option<Value> {
        presigned(self.promise(tenant, content, false)).await
    }

    /// The id of the asset.
    pub(crate) async fn presign_in_parts(&self, tenant: &str, content: &[u8]) -> Option<String> {
        let promised = presigned(self.promise(tenant, content, true)).await?;
        Some(promised["asset_id"].as_str().unwrap().to_owned())
    }

    /// Declares all parts, and uploads those that the store does not hold; how many those are.
    pub(crate) async fn upload_parts(
        &self,
        tenant: &str,
        asset_id: &str,
        content: &[u8],
    ) -> Option<usize> {
        let path = format!("/nexus/raw/{asset_id}/parts");
        let declared = self.declare(tenant, asset_id, content).await?;
        let held = self.request("GET", tenant, &path).send_to_the_end().await;
        let (status, held) = whole(held)?.whole();
        assert_eq!(status, 200, "{held}");
        let held = held["parts"].as_array().unwrap();
        let number = |part: &Value| part["part_number"].clone();
        let is_held = |part: &Value| held.iter().any(|it| number(it) == number(part));
        let lacking = declared.iter().filter(|part| !is_held(part));
        let lacking: Vec<_> = lacking.collect();
        for part in &lacking {
            put(part, content).await?;
        }
        Some(lacking.len())
    }

    /// Declares all parts; how each is uploaded.
    pub(crate) async fn declare(
        &self,
        tenant: &str,
        asset_id: &str,
        content: &[u8],
    ) -> Option<Vec<Value>> {
        let path = format!("/nexus/raw/{asset_id}/parts");
        let parts = parts::declaration(content);
        let (status, declared) = self.post(tenant, &path, &parts).await?.whole();
        assert_eq!(status, 200, "{declared}");
        Some(declared["parts"].as_array().unwrap().clone())
    }

    pub(crate) async fn abort(&self, tenant: &str, asset_id: &str) -> Option<()> {
        let path = format!("/nexus/raw/{asset_id}/upload");
        let answer = unclaimed(|| self.request("DELETE", tenant, &path)).await?;
        assert_eq!(answer.status, 204, "{answer:?}");
        Some(())
    }

    pub(crate) async fn presign_keyed(
        &self,
        tenant: &str,
        key: &str,
        content: &[u8],
    ) -> Option<Value> {
        let request = self.promise(tenant, content, false);
        presigned(request.header("idempotency-key", key)).await
    }

    fn promise(&self, tenant: &str, content: &[u8], multipart: bool) -> Request {
        let body = json!({
            "filename": "crash.bin",
            "size_bytes": content.len(),
            "sha256": Sha256Digest::of(content),
            "multipart": multipart,
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
        unclaimed(|| self.posting(tenant, "/nexus/raw/register").json(&body)).await
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

/// The answer to a request, which is sent again while a dead process has the upload claimed.
async fn unclaimed(request: impl Fn() -> Request) -> Option<Answer> {
    let began = Instant::now();
    loop {
        let answer = whole(request().send_to_the_end().await)?;
        if answer.status != 409 || answer.problem().1 != "verification-pending" {
            return Some(answer);
        }
        assert!(answer.header("retry-after").is_some());
        assert!(began.elapsed() < PATIENCE, "still claimed");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Uploads a part that was declared.
pub(crate) async fn put(part: &Value, content: &[u8]) -> Option<()> {
    let request = parts::upload(part).body(parts::bytes_of(part, content));
    let answer = whole(request.send_to_the_end().await)?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Some(())
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
