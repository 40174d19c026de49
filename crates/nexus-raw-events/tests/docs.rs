//! Holds docs/EVENTS.md to what the code does: its examples, its table, its consumer.

#![expect(
    clippy::unwrap_used,
    reason = "where an expectation of the test's own support breaks, the test must end"
)]

mod example;

use std::{
    io::{self, Write},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use nexus_raw::{event::DatasetEvent, ports::DatasetEventSink};
use nexus_raw_events::{
    HttpEventSink, HttpSinkSettings, SharedOutput, SlogEventSink,
    encoding::{self, EncodedEvent},
};
use nexus_raw_testkit::{
    FixedClock,
    sample::{self, scope},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use self::example::{derived, downloaded, registered, stated};

const EVENTS: &str = include_str!("../../../docs/EVENTS.md");

/// The blocks of one language, in their order.
fn blocks(language: &str) -> Vec<&'static str> {
    let blocks = EVENTS.split("\n```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'))
        .collect()
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the log sink writes for these events.
async fn log_lines(events: &[DatasetEvent]) -> String {
    let memory = Memory::default();
    let sink = SlogEventSink::json_lines(&SharedOutput::new(memory.clone()));
    sink.deliver(events).await.unwrap();
    let bytes = memory.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_events_shown_are_real_ones() {
    for (shown, event) in blocks("json").iter().zip([registered(), stated()]) {
        let shown: Value = serde_json::from_str(shown).unwrap();
        assert_eq!(shown, serde_json::to_value(event).unwrap());
    }
}

#[tokio::test]
async fn the_line_shown_is_a_real_one() {
    assert_eq!(
        format!("{}\n", blocks("json")[2]),
        log_lines(&[registered()]).await
    );
}

#[test]
fn the_forms_shown_are_those_of_the_event_shown() {
    for (shown, encoded) in [
        (blocks("json")[3], encoding::cloud_events(&registered())),
        (blocks("json")[4], encoding::open_lineage(&registered())),
    ] {
        let shown: Value = serde_json::from_str(shown).unwrap();
        let encoded: Value = serde_json::from_slice(&encoded.unwrap().payload).unwrap();
        assert_eq!(shown, encoded, "{encoded:#}");
    }
}

/// The facets that its text says are those of `openlineage` are left out.
#[test]
fn the_run_shown_is_that_of_an_asset_made_from_the_one_shown() {
    let shown: Value = serde_json::from_str(blocks("json")[5]).unwrap();
    let json = |encoded: EncodedEvent| serde_json::from_slice::<Value>(&encoded.payload).unwrap();
    let dataset = json(encoding::open_lineage(&derived()).unwrap());
    let mut run = json(encoding::open_lineage_run(&derived()).unwrap().unwrap());
    let facets = run["outputs"][0]["facets"].as_object_mut().unwrap();
    for (name, facet) in dataset["dataset"]["facets"].as_object().unwrap() {
        assert_eq!(facets.remove(name).as_ref(), Some(facet), "{name}");
    }
    assert_eq!(shown, run, "{run:#}");
    assert_eq!(
        derived().body.lineage.derived_from.as_slice(),
        [registered().body.asset_id]
    );
}

#[tokio::test]
async fn the_receiver_accepts_only_a_genuine_request() {
    let secret = "a secret of at least 32 bytes, of both";
    let (url, request) = one_request().await;
    let settings = HttpSinkSettings {
        url: url.as_str().parse().unwrap(),
        encoding: encoding::Encoding::CloudEvents,
        secret: Some(secret.into()),
    };
    let sink = HttpEventSink::new(settings, Arc::new(FixedClock::at(sample::now()))).unwrap();
    let events = [registered()];
    let (_, request) = tokio::join!(sink.deliver(&events), request);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let headers: Value = head
        .lines()
        .skip(1)
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let now = sample::now().as_unix_seconds();
    let receive = format!(
        "{}\nimport json, sys\nheaders, body = json.loads(sys.argv[1]), sys.argv[2].encode()\n\
         for body, secret, now in [(body, {secret:?}, {now}), (body + b' ', {secret:?}, {now}), \
         (body, 'another secret', {now}), (body, {secret:?}, {now} + 301)]:\n    \
         print(is_genuine(headers, body, secret.encode(), lambda: now))\n",
        blocks("python")[0]
    );
    let output = Command::new("python3")
        .args(["-c", &receive, &headers.to_string(), body])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "True\nFalse\nFalse\nFalse\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Where one request may be sent, and its text once it was.
async fn one_request() -> (reqwest::Url, impl Future<Output = String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let request = async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut request, mut piece) = (String::new(), [0; 4096]);
        while !request.ends_with("}}") {
            let read = stream.read(&mut piece).await.unwrap();
            assert_ne!(read, 0, "{request}");
            request.push_str(std::str::from_utf8(&piece[..read]).unwrap());
        }
        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
        AsyncWriteExt::write_all(&mut stream, answer).await.unwrap();
        request
    };
    (url.parse().unwrap(), request)
}

#[test]
fn the_table_has_every_member_in_its_order() {
    for (event, of_others) in [
        (registered(), ["fact", "verification", "download"]),
        (downloaded(), ["integrity", "fact", "verification"]),
        (stated(), ["integrity", "verification", "download"]),
    ] {
        let native = String::from_utf8(encoding::native(&event).unwrap().payload).unwrap();
        let rows = EVENTS.lines().filter_map(|line| line.strip_prefix("| `"));
        let members = rows.filter_map(|row| row.split('`').next());
        let members: Vec<_> = members
            .filter(|member| !of_others.contains(member))
            .collect();
        let object: serde_json::Map<String, Value> = serde_json::from_str(&native).unwrap();
        assert_eq!(members.len(), object.len());
        let places: Vec<_> = members
            .iter()
            .map(|member| native.find(&format!("\"{member}\":")).unwrap())
            .collect();
        assert!(places.is_sorted(), "{members:?}");
    }
}

#[tokio::test]
async fn the_consumer_drops_repeats_skips_other_lines_and_sees_gaps() {
    let (a, b) = (scope("t_a", "dev"), scope("t_a", "prod"));
    let event = |scope, sequence| sample::event(scope, sequence);
    let mut input = log_lines(&[event(&a, 1), event(&b, 1), event(&a, 2)]).await;
    // a log line of the program, one that names an event, a torn one, an empty one
    input.push_str("{\"ts\":\"2026-11-24T01:00:00Z\",\"level\":\"INFO\",\"msg\":\"listens\"}\n");
    input.push_str("{\"msg\":\"x\",\"event\":\"raw_asset_presigned\"}\n");
    let whole = log_lines(&[event(&a, 3)]).await;
    input.push_str(&whole[..whole.len() / 2]);
    input.push_str("\n\n");
    // delivered again from 2 on; 4 and 5 are parked, 4 comes late
    let rest = [2, 3, 6, 4, 6].map(|sequence| event(&a, sequence));
    input.push_str(&log_lines(&rest).await);

    let mut consumer = Command::new("python3")
        .args(["-c", blocks("python")[1]])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    consumer
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = consumer.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "\
t_a/dev 1 raw_asset_presigned 01a20b11-1a80-7000-8000-000000000001
t_a/prod 1 raw_asset_presigned 01a20b11-1a80-7000-8000-000000000001
t_a/dev 2 raw_asset_presigned 01a20b11-1a80-7000-8000-000000000002
t_a/dev 3 raw_asset_presigned 01a20b11-1a80-7000-8000-000000000003
t_a/dev 6 raw_asset_presigned 01a20b11-1a80-7000-8000-000000000006
t_a/dev 4 raw_asset_presigned 01a20b11-1a80-7000-8000-000000000004
t_a/dev has not sent [5]
"
    );
}
