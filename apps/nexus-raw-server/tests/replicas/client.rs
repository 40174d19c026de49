//! A client that does the main job over and over, at whichever replica answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nexus_raw::asset::Sha256Digest;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    ENVS, TENANTS,
    caller::Upload,
    check::Scope,
    fleet::Fleet,
    http::{Answer, Request},
    ledger::Ledger,
};

/// How long one call may take: the server's own bound is 10 s, `http.request_timeout_seconds`.
const CALL: Duration = Duration::from_secs(12);
/// How long a call may have to be repeated. An outage of the database is the longest.
const PATIENCE: Duration = Duration::from_secs(30);
/// The wait before a call is repeated, at the next replica.
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct Client {
    worker: usize,
    tenant: &'static str,
    env: &'static str,
    token: String,
    fleet: Arc<Fleet>,
    ledger: Arc<Ledger>,
    /// The replica of the next request.
    next: usize,
    work: Work,
}

/// What clients did.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) presigned: usize,
    pub(crate) registered: usize,
    pub(crate) calls: usize,
    pub(crate) retries: usize,
    pub(crate) longest_call: Duration,
    pub(crate) longest_until_done: Duration,
}

impl Work {
    pub(crate) fn add(&mut self, other: &Self) {
        self.presigned += other.presigned;
        self.registered += other.registered;
        self.calls += other.calls;
        self.retries += other.retries;
        self.longest_call = self.longest_call.max(other.longest_call);
        self.longest_until_done = self.longest_until_done.max(other.longest_until_done);
    }
}

impl Client {
    pub(crate) fn new(worker: usize, token: &str, fleet: Arc<Fleet>, ledger: Arc<Ledger>) -> Self {
        Self {
            worker,
            tenant: TENANTS[worker % 2],
            env: ENVS[worker / 2 % 2],
            token: token.to_owned(),
            fleet,
            ledger,
            next: worker,
            work: Work::default(),
        }
    }

    /// Presigns, uploads and registers until `stop` is set; returns what it did.
    pub(crate) async fn work(mut self, stop: &AtomicBool) -> Work {
        let mut turn = 0;
        while !stop.load(Ordering::Relaxed) {
            self.one_asset(turn).await;
            turn += 1;
        }
        self.work
    }

    pub(crate) fn scope(&self) -> Scope {
        (self.tenant.to_owned(), self.env.to_owned())
    }

    pub(crate) fn into_work(self) -> Work {
        self.work
    }

    /// Registers an asset with this statement, and returns its id.
    pub(crate) async fn registered(&mut self, turn: usize, mut statement: Value) -> String {
        let content = format!("asset {} {turn}", self.worker);
        let upload = self.uploaded(turn, content.as_bytes()).await;
        statement["asset_id"] = json!(upload.asset_id);
        let record = self.register(&statement).await;
        assert!([200, 201].contains(&record.status), "{}", record.json());
        self.ledger.registered(&upload.asset_id, record.body);
        self.work.registered += 1;
        upload.asset_id
    }

    async fn one_asset(&mut self, turn: usize) {
        let content = format!("asset {} {turn} ", self.worker).repeat(1 + turn % 50);
        let upload = self.uploaded(turn, content.as_bytes()).await;
        let asset_id = &upload.asset_id;
        let statement = json!({"asset_id": asset_id, "labels": {"turn": turn.to_string()}});
        let record = self.register(&statement).await;
        assert!([200, 201].contains(&record.status), "{}", record.json());
        self.ledger.registered(asset_id, record.body.clone());
        self.work.registered += 1;
        if turn.is_multiple_of(3) {
            let again = self.register(&statement).await;
            assert_eq!((again.status, again.body), (200, record.body));
        }
    }

    async fn uploaded(&mut self, turn: usize, content: &[u8]) -> Upload {
        let upload = self.presign(turn, content).await;
        let asset_id = &upload.asset_id;
        self.ledger.presigned(asset_id, (self.tenant, self.env));
        self.work.presigned += 1;
        if turn.is_multiple_of(5) {
            let again = self.presign(turn, content).await;
            assert_eq!(&again.asset_id, asset_id, "a key is bound to one asset");
        }
        let put = timeout(CALL, upload.request("PUT").body(content).send());
        assert_eq!(put.await.unwrap().status, 200, "upload of {asset_id}");
        self.ledger.uploaded(asset_id);
        upload
    }

    /// Presigns an upload under a key, so that a call whose response was lost may be repeated.
    async fn presign(&mut self, turn: usize, content: &[u8]) -> Upload {
        let body = json!({
            "filename": "replica.bin",
            "size_bytes": content.len(),
            "sha256": Sha256Digest::of(content),
        });
        let key = format!("{}-{turn}", self.worker);
        let answer = self.post("/nexus/raw/presign-upload", &body, Some(&key));
        Upload::of(&answer.await)
    }

    async fn register(&mut self, statement: &Value) -> Answer {
        self.post("/nexus/raw/register", statement, None).await
    }

    /// The first answer of a replica that can give one.
    pub(crate) async fn post(&mut self, path: &str, body: &Value, key: Option<&str>) -> Answer {
        let began = Instant::now();
        loop {
            self.next += 1;
            if let Some(server) = self.fleet.address(self.next) {
                let mut request = Request::new(server, "POST", path)
                    .header("authorization", &format!("Bearer {}", self.token))
                    .header("x-tenant-id", self.tenant)
                    .header("x-env", self.env)
                    .header("content-type", "application/json")
                    .json(body);
                if let Some(key) = key {
                    request = request.header("idempotency-key", key);
                }
                if let Some(answer) = self.call(request).await {
                    let took = began.elapsed();
                    self.work.longest_until_done = self.work.longest_until_done.max(took);
                    return answer;
                }
                self.work.retries += 1;
            }
            assert!(began.elapsed() < PATIENCE, "no replica did {path}");
            sleep(PAUSE).await;
        }
    }

    /// An answer, unless the replica died, or says that it cannot now.
    async fn call(&mut self, request: Request) -> Option<Answer> {
        let began = Instant::now();
        let answer = timeout(CALL, request.send_to_the_end()).await;
        self.work.calls += 1;
        self.work.longest_call = self.work.longest_call.max(began.elapsed());
        let answer = answer.unwrap_or_else(|_| panic!("a call was not answered in {CALL:?}"));
        answer.filter(|answer| answer.is_whole() && answer.status != 503)
    }
}
