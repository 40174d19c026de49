//! Events that a receiver refuses are parked, listed, and sent again by a retry.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{caller::Caller, machine::Machine};

/// A receiver that refuses the events of tenant `t_odd` while `refuses`, and hands on what it takes.
fn receiver(refuses: Arc<AtomicBool>) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    // it ends with the process: nothing more is connected once the server has ended
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, sender, refuses) = (stream.unwrap(), sender.clone(), refuses.clone());
            thread::spawn(move || serve(stream, &sender, &refuses));
        }
    });
    (url, receiver)
}

fn serve(mut stream: TcpStream, sender: &Sender<Value>, refuses: &AtomicBool) {
    let (mut came, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        if let Some((body, rest)) = request(&came) {
            let answer = if refuses.load(Ordering::SeqCst) && body["tenant_id"] == "t_odd" {
                "422 Unprocessable Content"
            } else {
                // nobody listens any more once the test has ended
                let _ = sender.send(body);
                "204 No Content"
            };
            came = rest;
            let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            continue;
        }
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => came.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
}

/// The body of the first request that came whole, and what came after it.
fn request(came: &[u8]) -> Option<(Value, Vec<u8>)> {
    let end = came.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(came[..end].to_vec()).unwrap();
    let head = head.to_lowercase();
    let length = head.split("content-length: ").nth(1)?.lines().next()?;
    let whole = end + length.parse::<usize>().unwrap();
    let body = came.get(end..whole)?;
    Some((
        serde_json::from_slice(body).unwrap(),
        came[whole..].to_vec(),
    ))
}

fn command(machine: &Machine, url: &str, arguments: &[&str]) -> String {
    let mut command = machine.embedded();
    command
        .env("NEXUS_RAW_EVENTS__SINKS", r#"["http"]"#)
        .env("NEXUS_RAW_EVENTS__HTTP__URL", url)
        .args(arguments);
    let Output { status, stdout, .. } = command.output().unwrap();
    assert_eq!(status.code(), Some(0), "{arguments:?}");
    String::from_utf8(stdout).unwrap()
}

#[tokio::test]
async fn a_refused_event_is_listed_and_sent_again_by_a_retry() {
    let refuses = Arc::new(AtomicBool::new(true));
    let (url, got) = receiver(refuses.clone());
    let machine = Machine::new();
    let start = || {
        let mut command = machine.embedded();
        command
            .env("NEXUS_RAW_EVENTS__SINKS", r#"["http"]"#)
            .env("NEXUS_RAW_EVENTS__HTTP__ENCODING", "native")
            .env("NEXUS_RAW_EVENTS__HTTP__URL", &url);
        Machine::start_by(&mut command)
    };
    let server = start();
    let [odd, other] = ["t_odd", "t_demo"].map(|it| Caller::owner_of(it, &machine, &server));
    odd.put("one.jpg", b"not quite a photograph").await;
    other.put("two.jpg", b"not quite a photograph").await;
    let next = || got.recv_timeout(Duration::from_secs(20)).unwrap();
    for sequence in [1, 2] {
        let event = next();
        let place = json!([event["tenant_id"], event["sequence"]]);
        assert_eq!(place, json!(["t_demo", sequence]));
    }
    server.stop();

    let listed = command(&machine, &url, &["events", "parked", "--json"]);
    let listed: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kept: Vec<Value> = listed
        .iter()
        .map(|kept| {
            assert!(kept["parked_at"].is_string());
            json!([
                kept["sink"],
                kept["tenant_id"],
                kept["env"],
                kept["sequence"],
                kept["reason"]
            ])
        })
        .collect();
    let reason = "receiver answered 422";
    assert_eq!(
        kept,
        [
            json!(["http", "t_odd", "dev", 1, reason]),
            json!(["http", "t_odd", "dev", 2, reason])
        ]
    );
    let nothing = ["events", "retry", "--tenant", "t_demo"];
    assert_eq!(
        command(&machine, &url, &nothing),
        "0 parked events will be sent again\n"
    );
    let second = ["events", "retry", "--sink", "http", "--sequence", "2"];
    assert_eq!(
        command(&machine, &url, &second),
        "1 parked event will be sent again\n"
    );

    refuses.store(false, Ordering::SeqCst);
    let server = start();
    let event = next();
    let place = json!([event["tenant_id"], event["sequence"]]);
    assert_eq!(place, json!(["t_odd", 2]));
    // what was delivered is written down before the end
    server.stop();
    let left = command(&machine, &url, &["events", "parked"]);
    assert!(
        left.contains("t_odd") && left.lines().count() == 2,
        "{left}"
    );
}

/// With a catalogue in SQLite one process has it at a time.
#[tokio::test]
async fn while_a_server_has_the_catalogue_the_command_says_so_with_69() {
    let machine = Machine::new();
    let _server = machine.start();
    let Output { status, stderr, .. } = machine
        .embedded()
        .args(["events", "retry"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(69), "{stderr}");
    assert!(
        stderr.contains("one catalogue is for one server"),
        "{stderr}"
    );
}
