//! The log sink: what it writes, to the byte, and what it does when it cannot write.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "where an expectation of the test's own support breaks, the test must end"
)]

#[expect(dead_code, reason = "other test binaries need more of it")]
mod example;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, Write},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use async_trait::async_trait;
use futures_util::FutureExt;
use nexus_raw::{
    event::DatasetEvent,
    ports::{DatasetEventSink, Delivery, SinkError, SinkName},
};
use nexus_raw_events::{SharedOutput, SlogEventSink, encoding};
use nexus_raw_testkit::{
    contract::sink::SinkHarness,
    sample::{self, scope},
    sink_contract,
};
use serde_json::Value;

use self::example::registered;

/// Standard output as the test sees it: what arrived, and what happens to each write.
#[derive(Clone, Default)]
struct Terminal(Arc<Mutex<Screen>>);

#[derive(Default)]
struct Screen {
    writes: Vec<Vec<u8>>,
    /// How many more writes are taken before they fail.
    room: Option<usize>,
}

impl Terminal {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().writes.concat()).unwrap()
    }

    fn set_room(&self, room: Option<usize>) {
        self.0.lock().unwrap().room = room;
    }

    fn sink(&self) -> impl DatasetEventSink {
        SlogEventSink::json_lines(&SharedOutput::new(self.clone()))
    }
}

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut screen = self.0.lock().unwrap();
        if let Some(room) = &mut screen.room {
            *room = room.checked_sub(1).ok_or(ErrorKind::StorageFull)?;
        }
        screen.writes.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn events(count: u64) -> Vec<DatasetEvent> {
    (1..=count)
        .map(|sequence| sample::event(&scope("t_demo", "dev"), sequence))
        .collect()
}

async fn unavailable(sink: &impl DatasetEventSink, events: &[DatasetEvent]) -> (usize, ErrorKind) {
    let Err(SinkError::Unavailable { taken, source }) = sink.deliver(events).await else {
        panic!("the delivery should have failed")
    };
    (taken, source.downcast_ref::<io::Error>().unwrap().kind())
}

#[tokio::test]
async fn an_event_is_one_line_with_these_bytes() {
    let terminal = Terminal::default();
    let batch = [events(1).remove(0), registered()];
    let delivery = terminal.sink().deliver(&batch).await.unwrap();
    assert_eq!(delivery, Delivery { taken: 2 });
    assert_eq!(terminal.text(), include_str!("log_sink/two_events.jsonl"));
}

#[tokio::test]
async fn under_event_is_the_native_encoding_byte_for_byte() {
    let terminal = Terminal::default();
    terminal.sink().deliver(&[registered()]).await.unwrap();
    let native = encoding::native(&registered()).unwrap();
    assert_eq!(native.media_type, "application/json");
    let native = String::from_utf8(native.payload).unwrap();
    let line = format!(
        "{{\"ts\":\"2026-11-24T01:01:00Z\",\"level\":\"INFO\",\"msg\":\"dataset event\",\"event\":{native}}}\n"
    );
    assert_eq!(terminal.text(), line);
}

#[tokio::test]
async fn a_line_is_one_write() {
    let terminal = Terminal::default();
    terminal.sink().deliver(&events(3)).await.unwrap();
    assert_eq!(terminal.0.lock().unwrap().writes.len(), 3);
}

#[tokio::test]
async fn ten_thousand_events_are_ten_thousand_lines_in_order() {
    let terminal = Terminal::default();
    let sink = terminal.sink();
    for batch in events(10_000).chunks(256) {
        sink.deliver(batch).await.unwrap();
    }
    let text = terminal.text();
    let sequences: Vec<u64> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["event"]["sequence"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(sequences, (1..=10_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_event_whose_write_failed_does_not_count_and_does_not_turn_up_later() {
    let terminal = Terminal::default();
    let sink = terminal.sink();
    terminal.set_room(Some(2));
    let events = events(4);
    assert_eq!(
        unavailable(&sink, &events).await,
        (2, ErrorKind::StorageFull)
    );
    assert_eq!(
        unavailable(&sink, &events[2..]).await,
        (0, ErrorKind::StorageFull)
    );
    terminal.set_room(None);
    sink.deliver(&events[3..]).await.unwrap();
    let sequences: Vec<_> = terminal
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"]["sequence"].clone())
        .collect();
    assert_eq!(sequences, [1, 2, 4]);
}

#[tokio::test]
async fn a_closed_pipe_takes_nothing() {
    let (reader, writer) = io::pipe().unwrap();
    let sink = SlogEventSink::json_lines(&SharedOutput::new(writer));
    let events = events(3);
    sink.deliver(&events[..1]).await.unwrap();
    drop(reader);
    assert_eq!(
        unavailable(&sink, &events[1..]).await,
        (0, ErrorKind::BrokenPipe)
    );
}

#[tokio::test]
async fn a_full_disk_takes_nothing() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let sink = SlogEventSink::json_lines(&SharedOutput::new(full));
    assert_eq!(
        unavailable(&sink, &events(1)).await,
        (0, ErrorKind::StorageFull)
    );
}

/// A pipe that nobody reads for now: a write begins, and ends when the test lets it.
struct Stuck {
    began: Sender<()>,
    go_on: Receiver<()>,
    to: Terminal,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.began.send(()).unwrap();
        self.go_on.recv().unwrap();
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_write_that_hangs_holds_up_neither_the_caller_nor_the_runtimes_end() {
    let ((began, has_begun), (release, go_on)) = (channel(), channel());
    let terminal = Terminal::default();
    let to = terminal.clone();
    let sink = SlogEventSink::json_lines(&SharedOutput::new(Stuck { began, go_on, to }));
    // the first is stuck in its write, the other does not even begin one
    let events = events(3);
    let mut first = sink.deliver(&events);
    assert!((&mut first).now_or_never().is_none());
    has_begun.recv().unwrap();
    drop(first);
    assert!(sink.deliver(&events).now_or_never().is_none());
    assert_eq!(has_begun.try_recv().ok(), None);

    // when the pipe is read again, the batch that was given up ends with the event under way
    release.send(()).unwrap();
    let rest = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(sink.deliver(&events))
    });
    for _ in 0..3 {
        has_begun.recv().unwrap();
        release.send(()).unwrap();
    }
    let taken = rest.join().unwrap().unwrap().taken;
    let sequences: Vec<_> = terminal
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"]["sequence"].clone())
        .collect();
    assert_eq!(
        (taken, sequences),
        (3, vec![1.into(), 1.into(), 2.into(), 3.into()])
    );
}

/// What of a delivery comes through a real pipe.
#[tokio::test]
async fn lines_pass_through_a_pipe_whole() {
    let (reader, writer) = io::pipe().unwrap();
    let sink = SlogEventSink::json_lines(&SharedOutput::new(writer));
    let reading = thread::spawn(move || BufReader::new(reader).lines().count());
    sink.deliver(&events(2000)).await.unwrap();
    drop(sink);
    assert_eq!(reading.join().unwrap(), 2000);
}

#[test]
fn its_name_is_log() {
    assert_eq!(Terminal::default().sink().name(), &SinkName::new("log"));
}

#[derive(Default)]
struct Harness(Terminal);

#[async_trait]
impl SinkHarness for Harness {
    async fn open(&self) -> Arc<dyn DatasetEventSink> {
        Arc::new(self.0.sink())
    }

    async fn received(&self) -> Vec<Value> {
        let text = self.0.text();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take())
            .collect()
    }

    async fn set_broken(&self, broken: bool) {
        self.0.set_room(broken.then_some(0));
    }
}

mod contract {
    use super::{Harness, sink_contract};

    sink_contract!(Harness::default());
}

/// A drain that notes its thread, and panics at the first record.
#[derive(Clone, Default)]
struct Fragile(Arc<Mutex<Vec<thread::ThreadId>>>);

impl slog::Drain for Fragile {
    type Ok = ();
    type Err = io::Error;

    fn log(&self, _: &slog::Record<'_>, _: &slog::OwnedKVList) -> io::Result<()> {
        let mut threads = self.0.lock().unwrap();
        threads.push(thread::current().id());
        let is_first = threads.len() == 1;
        drop(threads);
        assert!(!is_first, "the first record");
        Ok(())
    }
}

#[tokio::test]
async fn one_thread_writes_until_the_drain_panics_and_then_another() {
    let drain = Fragile::default();
    let sink = SlogEventSink::new(drain.clone());
    let (taken, kind) = unavailable(&sink, &events(1)).await;
    assert_eq!((taken, kind), (0, ErrorKind::Other));
    // the thread may be about to end
    while sink.deliver(&events(1)).await.is_err() {}
    for _ in 0..3 {
        sink.deliver(&events(2)).await.unwrap();
    }
    let threads = drain.0.lock().unwrap().clone();
    assert!(!threads.contains(&thread::current().id()));
    assert_ne!(threads[0], threads[1]);
    assert!(threads[1..].iter().all(|it| *it == threads[1]));
}
