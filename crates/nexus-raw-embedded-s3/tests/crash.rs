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

use nexus_raw_embedded_s3::{EmbeddedS3, Settings};
use nexus_raw_testkit::s3::{Answer, base64_sha256, http};
use support::Server;

const ROUNDS: usize = 8;
const WRITERS: usize = 4;
const ONCE: (&str, &str) = ("if-none-match", "*");
const SHA256: (&str, &str) = ("x-amz-checksum-algorithm", "SHA256");
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
    let handle = EmbeddedS3::start(&settings(directory)).unwrap();
    let mut output = std::io::stdout();
    output
        .write_all(format!("{}\n", handle.addr()).as_bytes())
        .unwrap();
    output.flush().unwrap();
    std::io::stdin().lines().for_each(drop);
}

/// The parts are small.
fn settings(directory: &Path) -> Settings {
    support::settings(directory).with_min_part_bytes(0)
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

/// Every other object is uploaded in parts.
fn put(addr: SocketAddr, key: &str) -> Option<u16> {
    let content = content(key);
    if key.bytes().last().is_some_and(|digit| digit % 2 == 0) {
        let target = format!("/raw/{key}");
        return Some(send(addr, "PUT", &target, ONCE, &content)?.status);
    }
    let begun = send(addr, "POST", &format!("/raw/{key}?uploads"), SHA256, b"")?;
    let id = begun.texts("UploadId").concat();
    let mut names = Vec::new();
    for (number, part) in (1..).zip(content.chunks(content.len() / 2)) {
        let target = format!("/raw/{key}?partNumber={number}&uploadId={id}");
        let sha256 = base64_sha256(part);
        let put = send(
            addr,
            "PUT",
            &target,
            ("x-amz-checksum-sha256", &sha256),
            part,
        )?;
        let etag = put.header("etag")?;
        names.push(format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>\
             <ChecksumSHA256>{sha256}</ChecksumSHA256></Part>"
        ));
    }
    let target = format!("/raw/{key}?uploadId={id}");
    let names = names.concat();
    let body = format!("<CompleteMultipartUpload>{names}</CompleteMultipartUpload>");
    Some(send(addr, "POST", &target, ONCE, body.as_bytes())?.status)
}

/// `None` once the server is gone.
fn send(
    addr: SocketAddr,
    method: &str,
    target: &str,
    header: (&str, &str),
    body: &[u8],
) -> Option<Answer> {
    let endpoint = support::endpoint(addr);
    let headers = endpoint
        .signer()
        .sign_header(method, target, &[header], body);
    http::send(&endpoint.host, method, target, &headers, body).ok()
}

/// Larger than one write to the disk.
fn content(key: &str) -> Vec<u8> {
    key.bytes().cycle().take(300_000).collect()
}
