//! The pulling consumer of `docs/EVENTS.md` is run unchanged.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use nexus_raw::tenancy::Role;

use crate::{caller::Caller, machine::Machine};

/// Starts the consumer of the server at `server`.
fn consumer(server: &str, token: &str) -> Child {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/EVENTS.md");
    let document = fs::read_to_string(document).unwrap();
    let blocks = document.split("\n```python\n").skip(1);
    let mut blocks = blocks.filter_map(|block| block.split("\n```").next());
    let program = blocks.find(|block| block.contains("wait_seconds")).unwrap();
    Command::new("python3")
        .args(["-c", program])
        .env("SERVER", server)
        .envs([("TENANT", "t_demo"), ("ENV", "dev"), ("TOKEN", token)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_consumer_that_pulls_hears_of_each_event_once_across_a_restart() {
    let machine = Machine::new();
    let server = machine.start();
    let address = server.address;
    let caller = Caller::owner_of("t_demo", &machine, &server);
    let token = machine.token("t_demo", Role::Viewer);
    let first = caller.put("a.jpg", b"a photograph").await.json();
    let mut consumer = consumer(&format!("http://{address}"), &token);
    let mut heard = BufReader::new(consumer.stdout.take().unwrap()).lines();
    let mut next = || heard.next().unwrap().unwrap();
    let line = |asset: &serde_json::Value, sequence: u8, what: &str| {
        format!("{sequence} {what} {}", asset["asset_id"].as_str().unwrap())
    };
    assert_eq!(next(), line(&first, 1, "raw_asset_presigned"));
    assert_eq!(next(), line(&first, 2, "raw_asset_registered"));
    server.stop();

    let mut command = machine.embedded();
    let server = Machine::start_by(command.env("NEXUS_RAW_HTTP__BIND", address.to_string()));
    let caller = caller.at(&server);
    let second = caller.put("b.jpg", b"another photograph").await.json();
    assert_eq!(next(), line(&second, 3, "raw_asset_presigned"));
    assert_eq!(next(), line(&second, 4, "raw_asset_registered"));
    consumer.kill().unwrap();
    consumer.wait().unwrap();
}

#[test]
fn the_pulling_consumer_drops_repeats_sees_gaps_and_retries() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let event = |sequence: u8| {
        format!(
            r#"{{"sequence":{sequence},"event_type":"raw_asset_presigned","asset_id":"a{sequence}"}}"#
        )
    };
    let page = |sequences: &[u8]| {
        let events: Vec<_> = sequences.iter().map(|it| event(*it)).collect();
        let body = format!(r#"{{"events":[{}]}}"#, events.join(","));
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let away = "HTTP/1.1 503 Away\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n".to_owned();
    let answers = [page(&[1, 2]), page(&[]), away, page(&[1, 2, 3]), page(&[5])];
    let requests = thread::spawn(move || {
        answers.map(|answer| {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut piece) = (String::new(), [0; 4096]);
            while !request.ends_with("\r\n\r\n") {
                let read = stream.read(&mut piece).unwrap();
                request.push_str(std::str::from_utf8(&piece[..read]).unwrap());
            }
            stream.write_all(answer.as_bytes()).unwrap();
            request.lines().next().unwrap().to_owned()
        })
    });
    let output = consumer(&server, "a-token").wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        ),
        (
            Some(1),
            "1 raw_asset_presigned a1\n2 raw_asset_presigned a2\n3 raw_asset_presigned a3\n"
                .to_owned(),
            "after 3 came 5: this is not the catalogue that it was\n".to_owned(),
        )
    );
    let line =
        |after| format!("GET /nexus/raw/events?after={after}&limit=1000&wait_seconds=20 HTTP/1.1");
    assert_eq!(requests.join().unwrap(), [0, 2, 2, 2, 3].map(line));
}
