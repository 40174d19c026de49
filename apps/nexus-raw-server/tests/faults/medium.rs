//! The catalogue's medium fails: strace has a write or a flush of the server end in an error.
//!
//! A few of them by `make test`; each write and each flush in turn by `make soak`.

use std::{
    env,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use nexus_raw::{
    asset::BucketName,
    ports::{EventOutbox, SinkName},
};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};

use crate::{
    house::{Owner, Store, program},
    http::Answer,
    machine::{Machine, Server},
    starting::side_by_side,
};

const BOUND: Duration = Duration::from_secs(5);
const WRITES: &str = "write,pwrite64,pwritev,ftruncate";
const FLUSHES: &str = "fsync,fdatasync";

/// Which calls of the system fail, and how.
#[derive(Debug, Clone)]
pub(crate) struct Injection {
    calls: &'static str,
    error: &'static str,
    /// As strace counts them, in each thread: `7`, `7+`, `7..9`.
    when: String,
}

pub(crate) fn injection(calls: &'static str, error: &'static str, when: &str) -> Injection {
    let when = when.to_owned();
    Injection { calls, error, when }
}

/// A server whose catalogue is on a medium that fails.
struct Patient {
    machine: Machine,
    store: Store,
}

/// What the server answered.
#[derive(Default)]
struct Answers {
    presigned: Vec<String>,
    registered: Vec<(String, Vec<u8>)>,
    /// How many calls were answered 503.
    refused: usize,
    /// The last call was answered 503, or not at all.
    failed_last: bool,
    /// A call was not answered.
    gone: bool,
}

impl Patient {
    fn new() -> Self {
        let (machine, store) = (Machine::new(), Store::start());
        Self { machine, store }
    }

    fn catalog(&self) -> PathBuf {
        self.machine.data_dir().with_file_name("catalog.sqlite")
    }

    fn trace(&self) -> PathBuf {
        self.machine.data_dir().with_file_name("trace")
    }

    /// The program; with an injection, under strace. It stays our own child (`-D`).
    fn program(&self, calls: &str, injection: Option<&Injection>) -> Command {
        let program = program(&self.machine, &self.store.endpoint());
        let wal = self.catalog().with_file_name("catalog.sqlite-wal");
        let paths = [self.catalog(), wal];
        traced(&program, &self.trace(), &paths, calls, injection)
    }

    /// How many of these calls a life of the server makes.
    async fn calls(&self, calls: &'static str) -> usize {
        let server = Machine::start_by(&mut self.program(calls, None));
        work(&Owner::of(server.address), 3, &mut Answers::default()).await;
        assert_eq!(server.stop().0.code(), Some(0));
        let trace = std::fs::read_to_string(self.trace()).unwrap();
        trace.lines().filter(|line| line.contains(" = ")).count()
    }

    /// With a medium that works again, everything that was answered is there, and nothing half.
    async fn recovers(&self, name: &str, answers: &Answers) {
        let began = Instant::now();
        let server = Machine::start_by(&mut program(&self.machine, &self.store.endpoint()));
        assert!(began.elapsed() < BOUND, "{name}: {:?}", began.elapsed());
        let owner = Owner::of(server.address);
        for (asset_id, record) in &answers.registered {
            let read = owner.get(&format!("/nexus/raw/{asset_id}")).await.unwrap();
            assert_eq!((read.status, &read.body), (200, record), "{name}");
        }
        for asset_id in &answers.presigned {
            // also where it was registered, and the answer did not come
            let again = owner.register(asset_id).await.unwrap();
            assert!(
                matches!(again.status, 200 | 201),
                "{name}: {}",
                again.json()
            );
            let events = owner.events_of(asset_id).await;
            assert_eq!(
                events,
                ["raw_asset_presigned", "raw_asset_registered"],
                "{name}"
            );
        }
        assert_eq!(server.stop().0.code(), Some(0), "{name}");
        self.has_no_gap(name).await;
    }

    async fn has_no_gap(&self, name: &str) {
        let catalog = SqlAssetCatalog::open(SqlCatalogSettings {
            url: format!("sqlite:{}", self.catalog().display()),
            max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
            object_store: ObjectStoreIdentity {
                endpoint: Some(self.store.endpoint()),
                region: "eu-central-1".to_owned(),
                bucket: BucketName::parse("nexus-raw").unwrap(),
            },
        });
        let catalog = catalog.await.unwrap();
        let auditor = SinkName::parse("auditor").unwrap();
        let events = catalog.undelivered(&auditor, u32::MAX, &[]).await.unwrap();
        let sequences: Vec<_> = events.iter().map(|event| event.sequence).collect();
        let gapless: Vec<_> = (1..=events.len() as u64).collect();
        assert_eq!(sequences, gapless, "{name}");
        catalog.close().await;
    }
}

/// The program under strace, which sees these calls on these paths alone, and has some of them fail.
pub(crate) fn traced(
    program: &Command,
    trace: &Path,
    paths: &[PathBuf],
    calls: &str,
    injection: Option<&Injection>,
) -> Command {
    let mut command = Command::new("strace");
    command
        .args(["-D", "-f", "--seccomp-bpf", "-qq", "-o"])
        .arg(trace)
        .args(paths.iter().flat_map(|path| [Path::new("-P"), path]))
        .args(["-e", &format!("trace={calls}")]);
    if let Some(Injection { calls, error, when }) = injection {
        command.args(["-e", &format!("inject={calls}:error={error}:when={when}")]);
    }
    let set = program
        .get_envs()
        .filter_map(|(name, it)| Some((name, it?)));
    command
        .env_clear()
        .envs(set)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir(program.get_current_dir().unwrap())
        .arg(program.get_program())
        .args(program.get_args());
    command
}

/// Presigns, uploads and registers so many times, or until the server is gone.
async fn work(owner: &Owner, times: usize, answers: &mut Answers) {
    for n in 0..times {
        let content = format!("content {n}");
        let Some(presigned) = good(answers, owner.presign(content.as_bytes())).await else {
            continue;
        };
        let asset_id = presigned.json()["asset_id"].as_str().unwrap().to_owned();
        owner.upload(&presigned, content.as_bytes()).await;
        answers.presigned.push(asset_id.clone());
        if let Some(registered) = good(answers, owner.register(&asset_id)).await {
            answers.registered.push((asset_id, registered.body));
        }
    }
}

/// The answer, where it is a success. Otherwise it is a bounded 503, or the server is gone.
async fn good(answers: &mut Answers, call: impl Future<Output = Option<Answer>>) -> Option<Answer> {
    if answers.gone {
        return None;
    }
    let began = Instant::now();
    let answer = call.await;
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    answers.gone = answer.is_none();
    let answer = answer?;
    answers.failed_last = !matches!(answer.status, 200 | 201);
    if !answers.failed_last {
        return Some(answer);
    }
    let (status, code, _) = answer.problem();
    assert_eq!((status, &*code), (503, "catalog-unavailable"));
    assert_eq!(answer.header("retry-after"), Some("2"));
    answers.refused += 1;
    None
}

/// How a server on a failing medium came to its end.
struct Outcome {
    answers: Answers,
    /// `None` where it ended before it was ready.
    was_ready: bool,
    code: Option<i32>,
}

/// Works on a server with this injection, ends it if it did not end itself, and has it recover.
#[tokio::main(flavor = "current_thread")]
async fn live_through(injection: &Injection, times: usize) -> Outcome {
    let name = format!("{injection:?}");
    let patient = Patient::new();
    let mut command = patient.program(injection.calls, Some(injection));
    let mut answers = Answers::default();
    let started = Machine::start_or_end(&mut command);
    let was_ready = started.is_ok();
    let (status, log) = match started {
        Ok(server) => {
            work(&Owner::of(server.address), times, &mut answers).await;
            ended(server, answers.gone)
        }
        Err(ended) => ended,
    };
    assert!(
        !log.iter().any(|line| line.contains("panick")),
        "{name}: {log:?}"
    );
    patient.recovers(&name, &answers).await;
    let code = status.code();
    Outcome {
        answers,
        was_ready,
        code,
    }
}

fn ended(server: Server, by_itself: bool) -> (std::process::ExitStatus, Vec<String>) {
    let (status, _, log) = if by_itself {
        server.ended()
    } else {
        server.stop()
    };
    (status, log)
}

#[test]
fn a_medium_that_fails_ends_the_server_with_74_and_nothing_false_was_answered() {
    // beyond the calls of a start, and within those of the work
    let failing = vec![
        injection(FLUSHES, "EIO", "14+"),
        injection(FLUSHES, "EIO", "17"),
        injection(FLUSHES, "ENOSPC", "14+"),
        injection(WRITES, "EIO", "150+"),
    ];
    side_by_side(failing, |injection| {
        let outcome = live_through(&injection, 40);
        let answers = outcome.answers;
        assert!(outcome.was_ready, "{injection:?} came too early");
        assert!(
            !answers.presigned.is_empty(),
            "{injection:?} came too early"
        );
        assert!(
            answers.failed_last || answers.gone,
            "{injection:?} was not felt"
        );
        assert_eq!(outcome.code, Some(74), "{injection:?}");
    });
}

#[test]
fn a_full_disk_is_reported_and_the_server_goes_on_once_there_is_room() {
    let full = injection(WRITES, "ENOSPC", "150..165");
    let outcome = live_through(&full, 60);
    let answers = outcome.answers;
    assert!(answers.refused > 0, "it was not felt");
    assert!(!answers.failed_last, "it did not go on");
    assert_eq!(outcome.code, Some(0));
}

/// Nobody has to write to find out: the relay does each second.
#[tokio::test]
async fn a_full_disk_shows_in_readiness_and_reads_go_on() {
    let full = injection(WRITES, "ENOSPC", "220+");
    let patient = Patient::new();
    let server = Machine::start_by(&mut patient.program(WRITES, Some(&full)));
    let owner = Owner::of(server.address);
    let mut answers = Answers::default();
    while answers.refused == 0 {
        work(&owner, 1, &mut answers).await;
    }
    let began = Instant::now();
    loop {
        let ready = owner.get("/readyz").await.unwrap();
        if ready.status == 503 {
            assert_eq!(ready.problem().1, "catalog-unavailable");
            break;
        }
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    }
    assert!(!answers.registered.is_empty(), "it came too early");
    for (asset_id, record) in &answers.registered {
        let read = owner.get(&format!("/nexus/raw/{asset_id}")).await.unwrap();
        assert_eq!((read.status, &read.body), (200, record));
    }
    drop(server.stop());
    patient.recovers("a full disk", &answers).await;
}

#[test]
fn whichever_write_or_flush_fails_nothing_false_is_answered() {
    for (calls, error) in [
        (WRITES, "EIO"),
        (WRITES, "ENOSPC"),
        (FLUSHES, "EIO"),
        (FLUSHES, "ENOSPC"),
    ] {
        let all = count(calls);
        let nth: Vec<_> = chosen(1..=all).collect();
        side_by_side(nth, |n| {
            let injection = injection(calls, error, &n.to_string());
            let outcome = live_through(&injection, 3);
            // 0: it was not needed, or went on; 69: no start; 74: ended
            let code = outcome.code;
            assert!(matches!(code, Some(0 | 69 | 74)), "{injection:?}: {code:?}");
        });
    }
}

#[tokio::main(flavor = "current_thread")]
async fn count(calls: &'static str) -> usize {
    Patient::new().calls(calls).await
}

/// All of them, where `NEXUS_RAW_INJECTIONS` is `every`, or a few.
#[expect(
    clippy::disallowed_methods,
    reason = "the environment sets how many are run"
)]
fn chosen(all: RangeInclusive<usize>) -> impl Iterator<Item = usize> {
    let every = env::var("NEXUS_RAW_INJECTIONS").is_ok_and(|it| it == "every");
    let step = if every { 1 } else { all.end() / 3 };
    all.step_by(step.max(1))
}

#[tokio::test]
async fn a_data_directory_that_is_lost_ends_the_server_with_74() {
    let machine = Machine::new();
    let server = machine.start();
    let aside = machine.data_dir().with_file_name("lost");
    std::fs::rename(machine.data_dir(), &aside).unwrap();
    // the relay writes its lease at least once a second
    let (status, _, log) = server.ended();
    assert_eq!(status.code(), Some(74), "{log:?}");
    let last = log.last().unwrap();
    assert!(
        last.contains("the medium of the catalogue failed"),
        "{last}"
    );

    std::fs::rename(&aside, machine.data_dir()).unwrap();
    let (status, _, log) = machine.start().stop();
    assert_eq!(status.code(), Some(0), "{log:?}");
}
