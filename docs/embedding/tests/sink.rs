//! The sink against the suite that every sink must pass.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene has failed"
)]

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use nexus_raw::ports::{DatasetEventSink, SinkName};
use nexus_raw_testkit::{contract, contract::sink::SinkHarness, sample, sink_contract};
use photo_engine::JsonLinesSink;
use serde_json::Value;

struct InDirectory(tempfile::TempDir);

impl InDirectory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("events.jsonl")
    }

    async fn sink(&self) -> JsonLinesSink {
        let name = SinkName::new("lines");
        JsonLinesSink::open(name, self.path()).await.unwrap()
    }
}

#[async_trait]
impl SinkHarness for InDirectory {
    async fn open(&self) -> Arc<dyn DatasetEventSink> {
        Arc::new(self.sink().await)
    }

    async fn received(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    async fn set_broken(&self, broken: bool) {
        let elsewhere = self.path().with_extension("gone");
        let (from, to) = if broken {
            (self.path(), elsewhere)
        } else {
            (elsewhere, self.path())
        };
        std::fs::rename(from, to).unwrap();
    }
}

sink_contract!(InDirectory::new());

#[test]
fn an_event_is_one_line_also_when_it_is_offered_again_after_a_restart() {
    contract::run(async {
        let directory = InDirectory::new();
        let events = [1, 2, 3].map(|n| sample::event(&sample::scope("t_a", "dev"), n));
        directory.sink().await.deliver(&events[..2]).await.unwrap();
        let delivery = directory.sink().await.deliver(&events).await.unwrap();
        assert_eq!(delivery.taken, 3);
        let expected = events.map(|event| serde_json::to_value(event).unwrap());
        assert_eq!(directory.received().await, expected);
    });
}

#[test]
fn a_line_that_a_crash_tore_is_written_again() {
    contract::run(async {
        let directory = InDirectory::new();
        let events = [1, 2].map(|n| sample::event(&sample::scope("t_a", "dev"), n));
        directory.sink().await.deliver(&events).await.unwrap();
        let text = std::fs::read(directory.path()).unwrap();
        // longer than what will be written in its place
        let whole = text.iter().position(|it| *it == b'\n').unwrap() + 1;
        let torn = [&text[..whole], &b"{".repeat(9999)].concat();
        std::fs::write(directory.path(), torn).unwrap();
        let sink = directory.sink().await;
        assert_eq!(*sink.count().borrow(), 1);
        sink.deliver(&events).await.unwrap();
        assert_eq!(std::fs::read(directory.path()).unwrap(), text);
    });
}
