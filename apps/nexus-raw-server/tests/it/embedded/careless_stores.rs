//! Stores that take wrong bytes: the service reads what they hold, and says so.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use nexus_raw::asset::Sha256Digest;
use nexus_raw_config::{EMBEDDED_AUDIENCE, EMBEDDED_ISSUER, EmbeddedMode};
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, EmbeddedS3Handle, Misbehaviour, Settings};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{ends::complete, proxy::Proxy};
use crate::{
    caller::{Caller, Upload},
    http::Answer,
    machine::{Machine, Server, photograph},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A store that takes any bytes, what counts its reads, and a place for a server.
struct Careless {
    machine: Machine,
    store: EmbeddedS3Handle,
    proxy: Proxy,
}

impl Careless {
    async fn new(lie: Misbehaviour) -> Self {
        let machine = Machine::new();
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "hidden-hidden-hidden".into(),
        };
        // makes the secret that tokens are signed with
        EmbeddedMode::prepare(&machine.data_dir()).unwrap();
        let settings = Settings::new(machine.data_dir().join("s3"), credentials)
            .with_region("eu-central-1")
            .with_bucket("nexus-raw")
            .with_misbehaviour(lie);
        let store = EmbeddedS3::start(&settings).unwrap();
        let endpoint = store.endpoint();
        let address = endpoint.strip_prefix("http://").unwrap();
        let proxy = Proxy::before(address.parse().unwrap()).await;
        Self {
            machine,
            store,
            proxy,
        }
    }

    /// The program, waiting for objects of up to so many bytes.
    fn program(&self, sync_hash_max_bytes: usize) -> Command {
        let mode = EmbeddedMode::open_existing(&self.machine.data_dir()).unwrap();
        let mut command = complete(&self.machine);
        command
            .env("NEXUS_RAW_IDENTITY__ISSUER", EMBEDDED_ISSUER)
            .env("NEXUS_RAW_IDENTITY__AUDIENCE", EMBEDDED_AUDIENCE)
            .env(
                "NEXUS_RAW_IDENTITY__HS256_SECRET",
                mode.secrets().hs256_secret.expose_secret(),
            )
            .env("NEXUS_RAW_STORAGE__ENDPOINT", self.proxy.endpoint())
            .env("NEXUS_RAW_STORAGE__FORCE_PATH_STYLE", "true")
            .env("NEXUS_RAW_STORAGE__STARTUP_TIMEOUT_SECONDS", "30")
            .env(
                "NEXUS_RAW_STORAGE__SYNC_HASH_MAX_BYTES",
                sync_hash_max_bytes.to_string(),
            );
        command
    }

    fn start(&self, sync_hash_max_bytes: usize) -> Server {
        Machine::start_by(&mut self.program(sync_hash_max_bytes))
    }

    fn caller(&self, server: &Server) -> Caller {
        Caller::owner_of("t_demo", &self.machine, server)
    }

    /// Takes the object of an asset away, as somebody with other rights could.
    fn delete(&self, upload: &Upload) {
        let key = format!("tenants/t_demo/dev/raw/{}/DSCN0010.jpg", upload.asset_id);
        let name = Sha256Digest::of(key.as_bytes()).to_string();
        let bucket = self.machine.data_dir().join("s3/buckets/nexus-raw");
        std::fs::remove_file(bucket.join(&name[..2]).join(name)).unwrap();
    }

    fn end(self) {
        drop(self.proxy);
        self.store.shutdown().unwrap();
    }

    async fn until_read(&self, times: usize) {
        let until = Instant::now() + PATIENCE;
        while self.proxy.reads() < times {
            assert!(Instant::now() < until, "the store was not read");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The photograph, and other bytes of its length.
fn contents() -> (Vec<u8>, Vec<u8>) {
    let photo = photograph("DSCN0010.jpg");
    let mut forged = photo.clone();
    *forged.last_mut().unwrap() ^= 1;
    (photo, forged)
}

/// Presigns the photograph and uploads `content` for it.
async fn uploaded(caller: &Caller, photo: &[u8], content: &[u8]) -> Upload {
    let upload = caller.presign("DSCN0010.jpg", photo).await;
    assert_eq!(upload.put(content).await, 200);
    upload
}

async fn register(caller: &Caller, upload: &Upload) -> Answer {
    caller.register(&json!({"asset_id": upload.asset_id})).await
}

fn assert_pending(answer: &Answer) {
    let pending = (409, "verification-pending".to_owned(), vec![]);
    assert_eq!(answer.problem(), pending);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

fn assert_mismatch(answer: &Answer) {
    let mismatch = (
        422,
        "object-mismatch".to_owned(),
        vec!["/sha256".to_owned()],
    );
    assert_eq!(answer.problem(), mismatch);
}

/// Registers until the answer is another one than that it is still being verified.
async fn settled(caller: &Caller, upload: &Upload) -> Answer {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = register(caller, upload).await;
        if answer.status != 409 {
            return answer;
        }
        assert_pending(&answer);
        assert!(Instant::now() < until, "it was never verified");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// That an asset is registered by what the service itself read.
fn assert_read_and_registered(answer: &Answer) {
    let (status, record) = answer.whole();
    assert_eq!(
        (status, &record["integrity"]["level"]),
        (201, &json!("stream_sha256")),
        "{record}"
    );
}

/// The types of the events of an asset.
async fn events(caller: &Caller, upload: &Upload) -> Vec<Value> {
    let page = caller
        .get(&format!("/nexus/raw/{}/events", upload.asset_id))
        .await;
    let events = page.json()["events"].as_array().unwrap().clone();
    events.iter().map(|it| it["event_type"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_such_a_store_holds_is_read_and_only_what_was_promised_is_registered() {
    let (photo, forged) = contents();
    for lie in [Misbehaviour::IgnoreChecksums, Misbehaviour::EchoChecksums] {
        let careless = Careless::new(lie).await;
        let server = careless.start(photo.len());
        let caller = careless.caller(&server);

        let good = uploaded(&caller, &photo, &photo).await;
        assert_read_and_registered(&register(&caller, &good).await);
        assert_eq!(careless.proxy.reads(), 1, "{lie:?}");

        let bad = uploaded(&caller, &photo, &forged).await;
        for _ in 0..2 {
            assert_mismatch(&register(&caller, &bad).await);
        }
        // what came out is known, so nothing is read again
        assert_eq!(careless.proxy.reads(), 2, "{lie:?}");
        let read = caller.get(&format!("/nexus/raw/{}", bad.asset_id)).await;
        assert_eq!(read.status, 404);
        assert_eq!(events(&caller, &bad).await, ["raw_asset_presigned"]);
        drop(server);
        careless.end();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_object_is_read_while_nobody_waits() {
    let (photo, forged) = contents();
    let careless = Careless::new(Misbehaviour::EchoChecksums).await;
    let server = careless.start(photo.len() - 1);
    let caller = careless.caller(&server);

    let good = uploaded(&caller, &photo, &photo).await;
    assert_pending(&register(&caller, &good).await);
    assert_read_and_registered(&settled(&caller, &good).await);
    assert_eq!(careless.proxy.reads(), 1);
    assert_eq!(
        events(&caller, &good).await,
        ["raw_asset_presigned", "raw_asset_registered"]
    );

    let bad = uploaded(&caller, &photo, &forged).await;
    assert_pending(&register(&caller, &bad).await);
    assert_mismatch(&settled(&caller, &bad).await);
    assert_eq!(careless.proxy.reads(), 2);
    assert_eq!(events(&caller, &bad).await, ["raw_asset_presigned"]);
    drop(server);
    careless.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_callers_at_once_all_are_answered_and_the_object_is_read_once() {
    let (photo, _) = contents();
    let careless = Careless::new(Misbehaviour::IgnoreChecksums).await;
    let server = careless.start(photo.len());
    let caller = careless.caller(&server);
    let upload = uploaded(&caller, &photo, &photo).await;
    let answers = join_all((0..100).map(|_| register(&caller, &upload))).await;
    let with = |status| answers.iter().filter(|it| it.status == status).count();
    assert_eq!((with(201), with(200)), (1, 99));
    assert_eq!(careless.proxy.reads(), 1);
    drop(server);

    // the same with a large one, for which all are to retry
    let server = careless.start(1);
    let caller = caller.at(&server);
    careless.proxy.set_open(false);
    let upload = uploaded(&caller, &photo, &photo).await;
    let answers = join_all((0..100).map(|_| register(&caller, &upload))).await;
    answers.iter().for_each(assert_pending);
    careless.proxy.set_open(true);
    assert_read_and_registered(&settled(&caller, &upload).await);
    assert_eq!(careless.proxy.reads(), 2);
    drop(server);
    careless.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_or_ended_server_was_reading_the_next_one_reads() {
    let (photo, _) = contents();
    let careless = Careless::new(Misbehaviour::EchoChecksums).await;
    for (round, kill) in [(0, true), (1, false)] {
        let server = careless.start(1);
        let caller = careless.caller(&server);
        let upload = uploaded(&caller, &photo, &photo).await;
        careless.proxy.set_open(false);
        assert_pending(&register(&caller, &upload).await);
        careless.until_read(2 * round + 1).await;
        if kill {
            server.kill();
        } else {
            let (status, _, log) = server.stop();
            assert_eq!(status.code(), Some(0), "{log:?}");
        }
        careless.proxy.set_open(true);

        let server = careless.start(1);
        let caller = caller.at(&server);
        // at once: nobody waits for the lease of who is gone
        let began = Instant::now();
        assert_read_and_registered(&settled(&caller, &upload).await);
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_eq!(careless.proxy.reads(), 2 * round + 2);
    }
    careless.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_was_replaced_after_it_was_hashed_is_not_registered() {
    let (photo, forged) = contents();
    let careless = Careless::new(Misbehaviour::EchoChecksums).await;
    let server = careless.start(1);
    let caller = careless.caller(&server);
    let upload = uploaded(&caller, &photo, &photo).await;
    assert_pending(&register(&caller, &upload).await);
    server.wait_for("object hashed");

    careless.delete(&upload);
    assert_eq!(upload.put(&forged).await, 200);
    assert_pending(&register(&caller, &upload).await);
    assert_mismatch(&settled(&caller, &upload).await);
    assert_eq!(careless.proxy.reads(), 2);
    assert_eq!(events(&caller, &upload).await, ["raw_asset_presigned"]);

    careless.delete(&upload);
    let absent = register(&caller, &upload).await;
    let not_uploaded = (409, "object-not-uploaded".to_owned(), vec![]);
    assert_eq!(absent.problem(), not_uploaded);

    // and back again: what is there now is what counts
    assert_eq!(upload.put(&photo).await, 200);
    assert_read_and_registered(&settled(&caller, &upload).await);
    drop(server);
    careless.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_says_once_by_what_assets_are_proved() {
    for (lie, level) in [
        (Misbehaviour::IgnoreChecksums, "stream_sha256"),
        (Misbehaviour::EchoChecksums, "stream_sha256"),
    ] {
        let careless = Careless::new(lie).await;
        let mut command = careless.program(1);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut levels = Vec::new();
        for line in lines {
            let record: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if record["msg"] == "ready" {
                break;
            }
            if record["msg"] == "integrity level selected" {
                levels.push(record["integrity_level"].clone());
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(levels, [level], "{lie:?}");
        careless.end();
    }
}
