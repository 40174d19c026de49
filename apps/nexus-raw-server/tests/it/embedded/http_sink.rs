//! Events go to a receiver of their own, beside the log.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{caller::Caller, machine::Machine};

/// Takes every request that comes, and hands on its head and body.
fn receiver() -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    // it ends with the process: nothing more is connected once the server has ended
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, sender) = (stream.unwrap(), sender.clone());
            thread::spawn(move || take(stream, &sender));
        }
    });
    (url, receiver)
}

fn take(mut stream: TcpStream, sender: &Sender<(String, Value)>) {
    let (mut came, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let end = came.windows(4).position(|it| it == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(came[..end].to_vec())
                .unwrap()
                .to_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if came.len() >= end + 4 + length {
                let rest = came.split_off(end + 4 + length);
                let body = serde_json::from_slice(&came[end + 4..]).unwrap();
                came = rest;
                // nobody listens any more once the test has ended
                let _ = sender.send((head, body));
                stream
                    .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                    .unwrap();
                continue;
            }
        }
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => came.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
}

#[tokio::test]
async fn what_is_logged_is_posted_too_in_order_and_signed() {
    let machine = Machine::new();
    let (url, got) = receiver();
    let mut command = machine.embedded();
    command
        .env("NEXUS_RAW_EVENTS__SINKS", r#"["log", "http"]"#)
        .env("NEXUS_RAW_EVENTS__HTTP__URL", &url)
        .env(
            "NEXUS_RAW_EVENTS__HTTP__HMAC_SECRET",
            "a-secret-of-the-receiver-of-32-bytes",
        );
    let server = Machine::start_by(&mut command);
    let caller = Caller::owner_of("t_demo", &machine, &server);
    for name in ["one.jpg", "two.jpg"] {
        caller.put(name, b"not quite a photograph").await;
    }
    let logged = server.events(4);
    let posted = (0..4).map(|_| got.recv_timeout(Duration::from_secs(10)).unwrap());
    let events: Vec<Value> = posted
        .map(|(head, mut event)| {
            for part in [
                "post /events http/1.1",
                "content-type: application/cloudevents+json; charset=utf-8",
                "webhook-signature: v1,",
            ] {
                assert!(head.contains(part), "{head}");
            }
            assert_eq!(event["specversion"], "1.0");
            event["data"].take()
        })
        .collect();
    assert_eq!(events, logged);
}

#[tokio::test]
async fn of_the_events_of_an_asset_its_registration_is_posted_as_a_run() {
    let machine = Machine::new();
    let (url, got) = receiver();
    let mut command = machine.embedded();
    command
        .env("NEXUS_RAW_EVENTS__SINKS", r#"["log", "http"]"#)
        .env("NEXUS_RAW_EVENTS__HTTP__URL", &url)
        .env("NEXUS_RAW_EVENTS__HTTP__ENCODING", "openlineage-run");
    let server = Machine::start_by(&mut command);
    let caller = Caller::owner_of("t_demo", &machine, &server);
    for name in ["one.jpg", "two.jpg"] {
        caller.put(name, b"not quite a photograph").await;
    }
    let logged = server.events(4);
    let registered = logged
        .iter()
        .filter(|event| event["event_type"] == "raw_asset_registered");
    for event in registered {
        let (head, run) = got.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(head.contains("content-type: application/json"), "{head}");
        assert_eq!(run["eventType"], "COMPLETE");
        assert_eq!(run["run"]["runId"], event["event_id"]);
    }
    server.stop();
    assert!(
        got.try_recv().is_err(),
        "an event that is no registration was posted"
    );
}
