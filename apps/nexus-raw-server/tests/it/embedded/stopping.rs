use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use nexus_raw::asset::Sha256Digest;
use serde_json::{Value, json};

use crate::{
    caller::Caller,
    http::Request,
    machine::{Machine, Server},
    wire::Wire,
};

/// The time limit of the last flush, in place of 5 s.
const FLUSH_MILLIS: (&str, &str) = ("NEXUS_RAW_FAIL_POINT_FLUSH_MILLIS", "500");

fn signal(name: &str, process: u32) {
    let mut kill = Command::new("kill");
    let signalled = kill.args(["-s", name, &process.to_string()]).status();
    assert!(signalled.unwrap().success());
}

/// Waits for the end, which must come before long.
fn end_of(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > until {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// By which signal it says that it ends.
fn ending(log: &[String]) -> Value {
    let records = log.iter().map(|line| serde_json::from_str(line).unwrap());
    let mut ending = records.filter(|record: &Value| record["msg"] == "shutting down");
    ending.next().unwrap()["signal"].take()
}

#[tokio::test]
async fn a_log_that_nobody_reads_does_not_hold_up_the_end() {
    let machine = Machine::new();
    let mut command = machine.embedded();
    command.env(FLUSH_MILLIS.0, FLUSH_MILLIS.1);
    let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).unwrap()
    };
    let mut listening = next();
    while listening["msg"] != "listening" {
        listening = next();
    }
    while next()["msg"] != "ready" {}
    // and nothing more is read: a pipe takes 64 KiB
    let address = listening["http_address"].as_str().unwrap().parse().unwrap();
    for _ in 0..400 {
        let refused = Request::new(address, "GET", "/nexus/raw/events")
            .send()
            .await;
        assert_eq!(refused.status, 401);
    }
    signal("TERM", child.id());
    let status = end_of(&mut child);
    assert_eq!(status.code(), Some(0));
    drop(log);
}

#[test]
fn an_error_that_nobody_reads_does_not_hold_up_a_start_that_fails() {
    let machine = Machine::new();
    let (reader, mut writer) = std::io::pipe().unwrap();
    // as much as it takes
    writer.write_all(&vec![b'x'; 64 * 1024]).unwrap();
    let mut command = machine.embedded();
    command
        .env(FLUSH_MILLIS.0, FLUSH_MILLIS.1)
        .env("NEXUS_RAW_HTTP__BIND", "nowhere")
        .stderr(writer);
    let mut child = command.spawn().unwrap();
    assert_eq!(end_of(&mut child).code(), Some(78));
    drop(reader);
}

#[test]
fn a_terminal_that_is_closed_ends_the_server_in_order() {
    let machine = Machine::new();
    let server = machine.start();
    signal("HUP", server.id());
    let (status, _, log) = server.ended();
    assert_eq!((status.code(), ending(&log)), (Some(0), json!("SIGHUP")));
    assert!(
        log.last().unwrap().contains("\"msg\":\"shut down\""),
        "{log:?}"
    );
}

/// As `nohup` starts it.
#[tokio::test]
async fn a_server_that_is_to_outlive_its_terminal_does() {
    let machine = Machine::new();
    let program = machine.embedded();
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args())
        .env_clear()
        .current_dir(program.get_current_dir().unwrap());
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let server = Machine::start_by(&mut command);
    signal("HUP", server.id());
    let alive = Request::new(server.address, "GET", "/healthz").send().await;
    assert_eq!(alive.status, 200);
    let (status, _, log) = server.stop();
    assert_eq!((status.code(), ending(&log)), (Some(0), json!("SIGTERM")));
}

async fn is_unready(server: &Server) {
    let unready = (503, "storage-unavailable".to_owned(), vec![]);
    loop {
        let readyz = Request::new(server.address, "GET", "/readyz").send().await;
        if readyz.status != 200 {
            assert_eq!(readyz.problem(), unready);
            return;
        }
    }
}

#[tokio::test]
async fn readiness_turns_off_the_configured_time_before_the_listener_closes() {
    let machine = Machine::new();
    let server = Machine::start_by(machine.embedded().env("NEXUS_RAW_HTTP__DRAIN_SECONDS", "2"));
    let caller = Caller::owner_of("t_demo", &machine, &server);
    let began = Instant::now();
    signal("TERM", server.id());
    is_unready(&server).await;
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    // on new connections
    let mut promises = 0;
    let body = json!({"filename": "a", "size_bytes": 1, "sha256": Sha256Digest::of(b"x")});
    loop {
        let request = caller.posting("/nexus/raw/presign-upload").json(&body);
        let Some(answer) = request.send_to_the_end().await else {
            break;
        };
        assert_eq!(answer.status, 200);
        promises += 1;
    }
    let closed = began.elapsed();
    assert!(
        closed >= Duration::from_secs(2) && promises > 0,
        "{closed:?}"
    );
    let (status, _, log) = server.ended();
    assert_eq!((status.code(), ending(&log)), (Some(0), json!("SIGTERM")));
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_second_signal_ends_the_wait_of_the_first() {
    let machine = Machine::new();
    let server = Machine::start_by(
        machine
            .embedded()
            .env("NEXUS_RAW_HTTP__DRAIN_SECONDS", "300"),
    );
    signal("TERM", server.id());
    is_unready(&server).await;
    signal("INT", server.id());
    let (status, _, log) = server.ended();
    assert_eq!((status.code(), ending(&log)), (Some(0), json!("SIGTERM")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_signalled_under_load_sends_whole_responses_or_none_and_keeps_each() {
    let machine = Machine::new();
    let server = machine.start();
    let caller = Caller::owner_of("t_demo", &machine, &server);
    let body = json!({"filename": "a", "size_bytes": 1, "sha256": Sha256Digest::of(b"x")});
    let stopping = AtomicBool::new(false);
    let load = (0..16).map(async |_| {
        let mut promised = Vec::new();
        loop {
            let request = caller.posting("/nexus/raw/presign-upload").json(&body);
            let Some(answer) = request.send_to_the_end().await else {
                // before the end, nobody is turned away
                assert!(stopping.load(Ordering::SeqCst));
                return promised;
            };
            assert!(answer.status == 200 && answer.is_whole(), "{answer:?}");
            promised.push(answer.json()["asset_id"].as_str().unwrap().to_owned());
        }
    });
    // neither of these holds up the end
    let mut half = Wire::open(server.address).await;
    half.say("GET /hea").await;
    let end = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        stopping.store(true, Ordering::SeqCst);
        let began = Instant::now();
        let ended = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
        (ended, began.elapsed())
    };
    let (promised, ((status, _, log), took)) =
        futures_util::future::join(join_all(load), end).await;
    assert_eq!(status.code(), Some(0), "{log:?}");
    assert!(took < Duration::from_secs(15), "{took:?}");
    let heard = half.listen(Duration::from_secs(1)).await;
    assert_eq!((heard.statuses, heard.closed), (vec![], true));

    let server = machine.start();
    let caller = caller.at(&server);
    let promised: Vec<_> = promised.into_iter().flatten().collect();
    assert!(!promised.is_empty());
    for asset_id in promised.iter().rev().take(50) {
        let page = caller.get(&format!("/nexus/raw/{asset_id}/events")).await;
        assert_eq!(page.json()["events"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_events_is_answered_at_once_when_the_server_ends() {
    let machine = Machine::new();
    let server = machine.start();
    let caller = Caller::owner_of("t_demo", &machine, &server);
    let pulls = join_all((0..8).map(|_| caller.get("/nexus/raw/events?wait_seconds=20")));
    let end = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let began = Instant::now();
        let ended = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
        (ended, began.elapsed())
    };
    let (pulled, ((status, _, log), took)) = futures_util::future::join(pulls, end).await;
    assert_eq!(status.code(), Some(0), "{log:?}");
    // long before their time, which is 9 s
    assert!(took < Duration::from_secs(5), "{took:?}");
    for answer in pulled {
        assert_eq!(answer.whole(), (200, json!({"events": []})));
    }
}
