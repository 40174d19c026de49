//! Faults of the store at the start-up probe.

use std::{
    net::TcpListener,
    process::{Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use nexus_raw_testkit::{Fault, FaultyProxy};

use crate::{
    cases::{self, Case, Start},
    house::{Owner, Store, program},
    machine::Machine,
};

/// The time to start that the program is given, with the last attempt, and some for the machine.
const BOUND: Duration = Duration::from_secs(12);
/// How many programs start at a time: most of a start is waiting.
const AT_ONCE: usize = 6;

/// Faults of the probe's own uploads alone.
fn of_uploads() -> Vec<(&'static str, Fault, Start)> {
    let refused = "check the machine's time, and that s3:PutObject";
    let head = "HTTP/1.1 403 Said\r\ncontent-length: 100\r\n\r\n<Error><Code>Acc";
    let endless = "HTTP/1.1 403 Said\r\n\r\n<Error><Code>Acc";
    vec![
        ("hanging", Fault::Hang, Start::Later),
        ("closed", Fault::Close, Start::Later),
        ("500", Fault::s3_error(500, "InternalError"), Start::Later),
        ("503", Fault::s3_error(503, "SlowDown"), Start::Later),
        ("404", Fault::s3_error(404, "NoSuchBucket"), Start::Later),
        (
            "409",
            Fault::s3_error(409, "OperationAborted"),
            Start::Later,
        ),
        (
            "403",
            Fault::s3_error(403, "AccessDenied"),
            Start::Change(refused),
        ),
        (
            "200 to all",
            Fault::answer(200, "", ""),
            Start::Change("overwrites an object"),
        ),
        (
            "an error that is cut",
            Fault::Say(head.as_bytes().to_vec()),
            Start::Change(refused),
        ),
        (
            "an error that hangs",
            Fault::SayAndHang(head.as_bytes().to_vec()),
            Start::Change(refused),
        ),
        (
            "an error without an end",
            Fault::SayAndHang(endless.as_bytes().to_vec()),
            Start::Change(refused),
        ),
    ]
}

/// Starts the program before a store that is broken so; its exit code and standard error.
fn start(store: &Store, break_it: impl FnOnce(&FaultyProxy)) -> (i32, String) {
    let (machine, proxy) = (Machine::new(), FaultyProxy::before(&store.endpoint()));
    break_it(&proxy);
    ended_in_time(&mut program(&machine, &proxy.endpoint()))
}

fn ended_in_time(command: &mut Command) -> (i32, String) {
    let began = Instant::now();
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > BOUND {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    // without a code it had to be killed
    (output.status.code().unwrap_or_default(), stderr)
}

fn check(name: &str, (code, stderr): (i32, String), expected: Start) {
    let last = stderr.lines().last().unwrap_or_default();
    let begins = "nexus-raw-server: the object store cannot be used: ";
    let (expected_code, advice) = match expected {
        Start::Later => (69, "object store probe failed: "),
        Start::Change(advice) => (78, advice),
        Start::Ready => unreachable!("{name} does not end"),
    };
    assert_eq!(code, expected_code, "{name}: {stderr}");
    assert!(last.starts_with(begins), "{name}: {stderr}");
    assert!(last.contains(advice), "{name}: {stderr}");
    assert!(!stderr.contains("panick"), "{name}: {stderr}");
}

/// Runs everything, some at a time.
pub(crate) fn side_by_side<T: Send>(work: Vec<T>, run: impl Fn(T) + Sync) {
    let queue = Mutex::new(work);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().pop();
                    let Some(next) = next else { break };
                    run(next);
                }
            });
        }
    });
}

#[test]
fn any_fault_of_the_store_at_the_start_ends_it_in_time_with_a_remedy() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let address = format!("http://{}", elsewhere.local_addr().unwrap());
    let store = Store::start();
    let ending = |case: &Case| case.start != Start::Ready;
    let cases = cases::all(&address).into_iter().filter(ending).collect();
    side_by_side(cases, |case: Case| {
        let ended = start(&store, |proxy| proxy.break_all(case.fault.clone()));
        check(&case.name, ended, case.start);
    });
    assert!(elsewhere.accept().is_err(), "somebody followed a redirect");
}

#[test]
fn any_fault_in_the_probes_uploads_ends_the_start_in_time() {
    let store = Store::start();
    side_by_side(of_uploads(), |(name, fault, expected)| {
        let ended = start(&store, |proxy| proxy.break_only("PUT", fault));
        check(name, ended, expected);
    });
}

#[tokio::test]
async fn a_store_that_comes_while_the_server_waits_for_it_is_taken() {
    let (store, machine) = (Store::start(), Machine::new());
    let proxy = FaultyProxy::before(&store.endpoint());
    proxy.break_all(Fault::Refuse);
    let mut command = program(&machine, &proxy.endpoint());
    command.env("NEXUS_RAW_STORAGE__STARTUP_TIMEOUT_SECONDS", "30");
    let starting = Machine::spawn(&mut command);
    let owner = Owner::of(starting.address());
    // the catalogue comes first
    while owner.readiness().await.problem().1 != "storage-unavailable" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    proxy.mend();
    let mended = Instant::now();
    let server = starting.ready();
    assert!(
        mended.elapsed() < Duration::from_secs(5),
        "{:?}",
        mended.elapsed()
    );
    assert_eq!(Owner::of(server.address).readiness().await.status, 200);
}
