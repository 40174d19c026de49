//! More strangers than the process may have descriptors, beside a caller with work to do.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::time::timeout;

use super::ends::ended;
use crate::{
    caller::Caller,
    http::Request,
    machine::{Machine, Server},
    wire::Wire,
};

const CLOSED: &str = "nexus_raw_http_connections_closed_for_room_total{listener=\"api\"}";
const STRANGERS: usize = 1300;
/// For each call of a caller who has work to do.
const IN_TIME: Duration = Duration::from_secs(5);

/// The command under a limit of open files: `ulimit`'s arguments.
fn limited(command: &Command, limit: &str) -> Command {
    let mut limited = Command::new("/bin/sh");
    limited
        .arg("-c")
        .arg(format!("ulimit {limit} && exec \"$0\" \"$@\""))
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .stdin(Stdio::null());
    if let Some(directory) = command.get_current_dir() {
        limited.current_dir(directory);
    }
    limited
}

/// The strangers are in this process, which needs as many descriptors.
fn have_room_for_strangers() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

/// The soft and the hard limit of open files of a server.
fn limits_of(server: &Server) -> (String, String) {
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let line = limits.lines().find(|it| it.starts_with("Max open files"));
    let mut words = line.unwrap().split_whitespace().skip(3).map(str::to_owned);
    (words.next().unwrap(), words.next().unwrap())
}

async fn value(server: &Server, metric: &str) -> u64 {
    let answer = Request::new(server.metrics, "GET", "/metrics").send().await;
    let text = String::from_utf8(answer.body).unwrap();
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    value.unwrap().parse().unwrap()
}

async fn value_is(server: &Server, metric: &str, expected: u64) {
    let began = Instant::now();
    while value(server, metric).await != expected {
        assert!(began.elapsed() < IN_TIME, "{metric} is not {expected}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_1024_descriptors_1300_strangers_shut_nobody_out_and_cut_no_request_off() {
    have_room_for_strangers();
    let machine = Machine::new();
    let server = Machine::start_by(&mut limited(&machine.embedded(), "-n 1024"));
    assert_eq!(limits_of(&server), ("1024".to_owned(), "1024".to_owned()));
    let caller = Caller::owner_of("t_demo", &machine, &server);
    let mut closed = 0;
    for (name, said) in [
        ("silent", ""),
        ("half heads", "GET /healthz HTTP/1.1\r\nHos"),
        (
            "served once",
            "GET /healthz HTTP/1.1\r\nHost: nexus.test\r\n\r\n",
        ),
    ] {
        let before = caller.get("/nexus/raw/events?limit=1000").await.json();
        let after = before["events"].as_array().unwrap().len();
        // a request that is under way when the strangers come
        let feed = format!("/nexus/raw/events?after={after}&wait_seconds=20");
        let waits = caller.get(&feed);
        let works = async {
            value_is(&server, "nexus_raw_feed_waiting_requests", 1).await;
            let strangers = join_all((0..STRANGERS).map(|_| async {
                let mut wire = Wire::open(server.address).await;
                wire.say(said).await;
                wire
            }));
            let strangers = strangers.await;
            let content = format!("what {name} keep nobody from");
            let upload = timeout(IN_TIME, caller.presign("a.jpg", content.as_bytes()));
            let upload = upload.await.unwrap_or_else(|_| panic!("{name}: presign"));
            let put = timeout(IN_TIME, upload.put(content.as_bytes())).await;
            assert_eq!(put, Ok(200), "{name}");
            let body = json!({"asset_id": upload.asset_id});
            let registered = timeout(IN_TIME, caller.register(&body)).await;
            assert_eq!(registered.map(|it| it.status), Ok(201), "{name}");
            drop(strangers);
        };
        let (page, ()) = join(waits, works).await;
        assert_eq!(page.status, 200, "{name}");
        let events = page.json()["events"].as_array().unwrap().len();
        assert!(events > 0, "{name}: it was let go before its end");
        let now = value(&server, CLOSED).await;
        assert!(now > closed + 500, "{name}: {now}");
        closed = now;
    }
    let logged = server.wait_for("idle connections closed to make room");
    assert_eq!(logged["listener"], "api");
    let (_, _, log) = server.stop();
    assert!(
        !log.iter().any(|line| line.contains("\"ERROR\"")),
        "{log:?}"
    );
    // it is logged seldom for any number of closings
    let logged = log.iter().filter(|line| line.contains("to make room"));
    assert!(logged.count() < 20);
}

#[tokio::test]
async fn the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
    let machine = Machine::new();
    let server = Machine::start_by(&mut limited(
        &machine.embedded(),
        "-Sn 100 && ulimit -Hn 2000",
    ));
    assert_eq!(limits_of(&server), ("2000".to_owned(), "2000".to_owned()));
}

#[test]
fn a_hard_limit_that_is_too_low_to_serve_ends_the_start_with_78_and_what_to_raise() {
    let machine = Machine::new();
    let (code, stderr) = ended(&mut limited(&machine.embedded(), "-n 256"));
    assert_eq!(code, 78, "{stderr}");
    let expected = "the hard limit of open files is 256, and this configuration needs ";
    assert!(
        stderr.contains(expected) && stderr.contains("LimitNOFILE"),
        "{stderr}"
    );
}
