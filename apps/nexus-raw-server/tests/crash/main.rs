//! The program is killed, again and again, and keeps every answer that it ever gave: no event
//! without its state, no state without its event, and it goes on where it was.
//!
//! `NEXUS_RAW_CRASH_CYCLES` says how often, `NEXUS_RAW_SEED` draws when.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a broken expectation must end the test, with the steps before it"
)]

mod audit;
mod check;
mod client;
#[expect(dead_code, reason = "other test binaries need more of it")]
#[path = "../common/mod.rs"]
mod common;
mod in_parts;
mod keyed;
mod plan;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use audit::Audit;
use client::{Client, TENANTS};
use common::{http, ledger, machine, parts};
use ledger::{Asset, Ledger};
use machine::{Machine, Server};
use nexus_raw::{
    asset::BucketName,
    ports::{EventOutbox, SinkName},
    tenancy::Role,
};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::Random;
use plan::End;

const CLIENTS: usize = 8;
/// How long a program may take to be ready after a kill. A machine that is busy with other things
/// may be late now and then; nine of ten starts must be in time.
const RECOVERY: Duration = Duration::from_secs(5);
/// How many assets of earlier cycles are looked at in each; all are at the end.
const EARLIER: u64 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_killed_at_any_point_keeps_every_answer_it_ever_gave() {
    let mut random = Random::printed();
    let ends = plan::ends(&mut random);
    let mut lives = Lives::new();
    let mut known = 0;
    for (cycle, end) in ends.iter().enumerate() {
        println!("cycle {cycle}: {end:?}");
        if let End::WhileStarting { millis } = end {
            lives.die_while_starting(Duration::from_millis(*millis));
        }
        let (server, client) = lives.start();
        let assets = lives.ledger.assets();
        let (earlier, latest) = assets.split_at(known);
        let earlier = drawn(&mut random, earlier);
        lives.check(&server, &client, latest).await;
        lives.check(&server, &client, &earlier).await;
        known = assets.len();
        let answers = 10 + random.below(50);
        // two parts are much to write, again and again
        let long = random.below(8) == 0;
        lives
            .load_until(server, &client, (answers, long), *end)
            .await;
    }

    let (server, client) = lives.start();
    let assets = lives.ledger.assets();
    lives.check(&server, &client, &assets).await;
    let events = lives.audit.events();
    check::every_event_has_its_state(&client, &events).await;
    lives.audit.take(&server.kill());

    let (server, _) = lives.start();
    let store = lives.machine.store(&server);
    parts::wait_until_open(&store, "nexus-raw", &[]).await;
    check::every_object_is_what_was_uploaded(&store, &lives.ledger.assets());
    let in_parts = assets.iter().filter(|it| it.in_parts.is_some()).count();
    let aborted = assets.iter().filter(|it| it.aborted).count();
    let registered = assets.iter().filter(|it| it.record.is_some()).count();
    let late = lives.starts.iter().filter(|took| **took > RECOVERY);
    let late = late.count();
    println!(
        "{} cycles, {} presigned, {in_parts} in parts, {aborted} aborted, {registered} registered, {} events repeated, ready after {:?} at most, {late} times late",
        ends.len(),
        assets.len(),
        lives.audit.repeats,
        lives.starts.iter().max(),
    );
    assert!(late * 10 <= lives.starts.len(), "late: {:?}", lives.starts);
    assert!(
        registered >= ends.len(),
        "too little load to prove anything"
    );
    let (status, output, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log:?}");
    lives.audit.take(&output);
    lives.exactly_the_committed_events_were_written().await;
}

/// One data directory, and all programs that ever lived on it.
struct Lives {
    machine: Machine,
    ledger: Arc<Ledger>,
    audit: Audit,
    /// How long each took to be ready.
    starts: Vec<Duration>,
}

impl Lives {
    fn new() -> Self {
        Self {
            machine: Machine::new(),
            ledger: Arc::default(),
            audit: Audit::default(),
            starts: Vec::new(),
        }
    }

    /// The file that arms a point.
    fn point_file(&self) -> PathBuf {
        self.machine.data_dir().with_file_name("fail-point")
    }

    fn program(&self) -> Command {
        let mut command = self.machine.embedded();
        command.env("NEXUS_RAW_FAIL_POINT_FILE", self.point_file());
        command.env("NEXUS_RAW_FAIL_POINT_LEASE_MILLIS", "1000");
        command
    }

    fn start(&mut self) -> (Server, Client) {
        let half_done = self.half_done();
        let began = Instant::now();
        let server = Machine::start_by(&mut self.program());
        let took = began.elapsed();
        self.starts.push(took);
        // a ready program may be at work there itself, ending what an earlier life began
        let left = &self.half_done() & &half_done;
        assert!(left.is_empty(), "of an earlier life: {left:?}");
        let token = self.machine.token_for(&TENANTS, Role::Owner);
        let client = Client::new(server.address, &token);
        (server, client)
    }

    /// The names of what the embedded store has not finished.
    fn half_done(&self) -> BTreeSet<OsString> {
        let staging = self.machine.data_dir().join("s3/staging");
        let entries = fs::read_dir(staging).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    /// A start that does not live to be ready, or just so.
    fn die_while_starting(&mut self, after: Duration) {
        let mut command = self.program();
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        thread::sleep(after);
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let output: Vec<_> = output.lines().map(str::to_owned).collect();
        self.audit.take(&output);
    }

    /// All responses hold, calls without one can be completed, and every event was written.
    async fn check(&mut self, server: &Server, client: &Client, assets: &[Asset]) {
        check::every_answer_still_holds(client, &self.ledger, assets).await;
        let last = check::last_sequences(client).await;
        let new = self.audit.take_until(server, &last);
        self.audit.has_no_gap();
        check::every_event_has_its_state(client, &new).await;
    }

    /// Has the program kill itself the next time that it comes by this point.
    fn arm(&self, point: &str) {
        let (armed, file) = (self.point_file().with_extension("new"), self.point_file());
        fs::write(&armed, point).unwrap();
        fs::rename(&armed, &file).unwrap();
    }

    /// Waits until it has killed itself at the armed point; what it wrote on standard output.
    fn died_at(&self, server: Server, point: &str) -> Vec<String> {
        let (status, output, log) = server.ended();
        assert_eq!(status.signal(), Some(9), "{point}: {status}, {log:?}");
        fs::remove_file(self.point_file()).unwrap();
        output
    }

    /// Has clients at work until the program is dead, one with an upload in two parts where it is
    /// `long`.
    async fn load_until(
        &mut self,
        server: Server,
        client: &Client,
        (answers, long): (u64, bool),
        end: End,
    ) {
        let load: Vec<_> = (0..CLIENTS)
            .map(|worker| {
                let (client, ledger) = (client.clone(), Arc::clone(&self.ledger));
                let long = long && worker == 0;
                tokio::spawn(async move { client.work(worker, long, &ledger).await })
            })
            .collect();
        // a moment is drawn in answers, not in time, so that every machine is under load then
        self.ledger.wait_for_more(answers).await;
        let output = match end {
            End::At(point) => {
                self.arm(point);
                self.died_at(server, point)
            }
            End::Anytime { micros } => {
                tokio::time::sleep(Duration::from_micros(micros)).await;
                server.kill()
            }
            End::WhileStarting { .. } => server.kill(),
        };
        for worker in load {
            worker.await.unwrap();
        }
        self.audit.take(&output);
    }

    /// The catalogue, read without the program, has the same events as standard output.
    async fn exactly_the_committed_events_were_written(&self) {
        let file = self.machine.data_dir().join("catalog.sqlite");
        let catalog = SqlAssetCatalog::open(SqlCatalogSettings {
            url: format!("sqlite:{}", file.display()),
            max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
            object_store: ObjectStoreIdentity {
                endpoint: Some("embedded".to_owned()),
                region: "us-east-1".to_owned(),
                bucket: BucketName::parse("nexus-raw").unwrap(),
            },
        });
        let catalog = catalog.await.unwrap();
        // a sink that was never delivered to has everything before it
        let auditor = SinkName::parse("auditor").unwrap();
        let committed = catalog.undelivered(&auditor, u32::MAX, &[]).await.unwrap();
        let mut committed: Vec<_> = committed
            .iter()
            .map(|event| serde_json::to_value(event).unwrap())
            .collect();
        committed.sort_by_key(|event| {
            let tenant = event["tenant_id"].as_str().unwrap().to_owned();
            (tenant, event["sequence"].as_u64().unwrap())
        });
        let written = self.audit.events();
        assert_eq!(committed.len(), written.len());
        for (committed, written) in committed.iter().zip(&written) {
            assert_eq!(committed, written);
        }
        catalog.close().await;
    }
}

/// Some of them, or all where they are few.
fn drawn(random: &mut Random, assets: &[Asset]) -> Vec<Asset> {
    let count = assets.len() as u64;
    if count <= EARLIER {
        return assets.to_vec();
    }
    let indices = (0..EARLIER).map(|_| random.below(assets.len()));
    indices.map(|index| assets[index].clone()).collect()
}
