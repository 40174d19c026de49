//! A server that is killed loses nothing that it acknowledged and shows nothing half-written.
//!
//! The test runs itself again, as the server to kill, which the usual harness cannot do.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene has failed"
)]

#[expect(dead_code, reason = "the other tests use more of it")]
#[path = "s3/support.rs"]
mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use nexus_raw_embedded_s3::EmbeddedS3;
use nexus_raw_testkit::s3::http;
use support::Server;

const ROUNDS: usize = 8;
const WRITERS: usize = 4;
const SERVE: &str = "serve-until-killed";

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [mode, directory] if mode == SERVE => serve(Path::new(directory)),
        _ => a_killed_server_keeps_what_it_acknowledged(),
    }
    let passed = b"\ntest result: ok. 1 passed; 0 failed\n\n";
    std::io::stdout().write_all(passed).unwrap();
}

/// Prints its address, then serves until the parent kills it or goes away.
fn serve(directory: &Path) {
    let handle = EmbeddedS3::start(&support::settings(directory)).unwrap();
    let mut output = std::io::stdout();
    output
        .write_all(format!("{}\n", handle.addr()).as_bytes())
        .unwrap();
    output.flush().unwrap();
    std::io::stdin().lines().for_each(drop);
}

fn a_killed_server_keeps_what_it_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    let mut tried = Vec::new();
    for round in 0..ROUNDS {
        let (mut server, addr) = start(directory.path());
        let (kept, lost) = write_until_killed(&mut server, addr, round);
        tried.extend(kept.iter().chain(&lost).cloned());
        acknowledged.extend(kept);
    }
    assert!(acknowledged.len() >= ROUNDS);

    let handle = EmbeddedS3::start(&support::settings(directory.path())).unwrap();
    let server = Server { directory, handle };
    assert_eq!(server.staged_files(), 0);
    for key in &tried {
        let got = server.signed("GET", &format!("/raw/{key}"), &[], b"");
        match got.status {
            200 => assert!(got.body == content(key), "{key} is torn"),
            404 => assert!(!acknowledged.contains(key), "{key} is lost"),
            other => assert_eq!(other, 200, "{key}"),
        }
    }
}

fn start(directory: &Path) -> (Child, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(SERVE)
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = child.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    (child, line.trim().parse().unwrap())
}

/// Keys that were acknowledged, and those that were not.
fn write_until_killed(
    server: &mut Child,
    addr: SocketAddr,
    round: usize,
) -> (Vec<String>, Vec<String>) {
    let done = AtomicUsize::new(0);
    let is_dead = AtomicBool::new(false);
    let write = &|writer: usize| {
        let (mut kept, mut lost) = (Vec::new(), Vec::new());
        for number in 0.. {
            let key = format!("{round}-{writer}-{number}");
            if put(addr, &key) == Some(200) {
                done.fetch_add(1, Ordering::Relaxed);
                kept.push(key);
            } else {
                lost.push(key);
            }
            if is_dead.load(Ordering::Relaxed) {
                break;
            }
        }
        (kept, lost)
    };
    let mut all = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || write(writer)))
            .collect();
        // somewhere in the middle of other writes, another somewhere in each round
        support::wait_until(|| done.load(Ordering::Relaxed) > 3 * round);
        server.kill().unwrap();
        server.wait().unwrap();
        is_dead.store(true, Ordering::Relaxed);
        for writer in writers {
            let (kept, lost) = writer.join().unwrap();
            all.0.extend(kept);
            all.1.extend(lost);
        }
    });
    all
}

fn put(addr: SocketAddr, key: &str) -> Option<u16> {
    let target = format!("/raw/{key}");
    let content = content(key);
    let endpoint = support::endpoint(addr);
    let signer = endpoint.signer();
    let headers = signer.sign_header("PUT", &target, &[("if-none-match", "*")], &content);
    let answer = http::send(&endpoint.host, "PUT", &target, &headers, &content).ok()?;
    Some(answer.status)
}

/// Larger than one write to the disk.
fn content(key: &str) -> Vec<u8> {
    key.bytes().cycle().take(300_000).collect()
}
