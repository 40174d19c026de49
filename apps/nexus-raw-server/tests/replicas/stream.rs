//! What is in the stream, once the trouble is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant, SystemTime},
};

use async_nats::jetstream::{self, stream};
use nexus_raw_testkit::Nats;
use serde_json::Value;
use tokio::time::sleep;

use crate::check::{Committed, Scope};

/// How long the relay may need for what is left once all is well; its longest pause is 3 s.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a process had sent before its death, NATS takes at once.
const IN_FLIGHT: Duration = Duration::from_millis(200);

pub(crate) struct Stream {
    messages: stream::Stream,
    /// How far it was read.
    read: u64,
    /// When each message was taken.
    taken: Vec<SystemTime>,
    /// The ids that were met.
    ids: BTreeMap<String, Value>,
    /// The events of each scope in the order of the stream, those dropped that came before.
    pub(crate) events: BTreeMap<Scope, Vec<Value>>,
    repeats: usize,
}

impl Stream {
    pub(crate) async fn open(nats: &Nats) -> Self {
        let client = async_nats::connect(nats.url()).await.unwrap();
        let messages = jetstream::new(client).get_stream("NEXUS_RAW").await;
        Self {
            messages: messages.unwrap(),
            read: 0,
            taken: Vec::new(),
            ids: BTreeMap::new(),
            events: BTreeMap::new(),
            repeats: 0,
        }
    }

    /// Reads until the last event of each scope is there; how long that took.
    pub(crate) async fn read_until(&mut self, committed: &Committed) -> Duration {
        let began = Instant::now();
        loop {
            self.read_on().await;
            let missing: BTreeSet<_> = committed
                .iter()
                .filter(|(_, events)| events.last().is_some_and(|last| !self.has(last)))
                .map(|(scope, _)| scope)
                .collect();
            if missing.is_empty() {
                return began.elapsed();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "the outbox is not empty: events of {missing:?} did not arrive"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn has(&self, event: &Value) -> bool {
        self.ids.contains_key(event["event_id"].as_str().unwrap())
    }

    async fn read_on(&mut self) {
        let last = self.messages.info().await.unwrap().state.last_sequence;
        while self.read < last {
            self.read += 1;
            let message = self.messages.get_raw_message(self.read).await.unwrap();
            let event: Value = serde_json::from_slice(&message.payload).unwrap();
            self.taken.push(message.time.into());
            let id = event["event_id"].as_str().unwrap().to_owned();
            if let Some(before) = self.ids.get(&id) {
                assert_eq!(before, &event, "two events of one id");
                self.repeats += 1;
                continue;
            }
            self.ids.insert(id, event.clone());
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            let scope = (text("tenant_id"), text("env"));
            self.events.entry(scope).or_default().push(event);
        }
    }

    /// How many messages repeated an event.
    pub(crate) fn repeats(&self) -> usize {
        self.repeats
    }

    /// How long after a death the next event came that the dead had not sent.
    pub(crate) fn silence(&self, death: SystemTime) -> Duration {
        let next = self.taken.iter().find(|taken| **taken > death + IN_FLIGHT);
        next.unwrap().duration_since(death).unwrap()
    }
}
