//! A consumer that pulls events, at whichever replica answers.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::{
    check::{self, Scope},
    fleet::Fleet,
    reader::ScopeReader,
};

struct Follower {
    reader: ScopeReader,
    events: Vec<Value>,
}

/// One for each scope; returns what it was given until `stop` is set.
pub(crate) fn of_every_scope(
    fleet: &Arc<Fleet>,
    stop: &Arc<AtomicBool>,
) -> Vec<JoinHandle<(Scope, Vec<Value>)>> {
    let follow = |scope| {
        let follower = Follower {
            reader: ScopeReader::of(scope, Arc::clone(fleet)),
            events: Vec::new(),
        };
        let stop = Arc::clone(stop);
        tokio::spawn(async move { follower.follow(&stop).await })
    };
    check::scopes().map(follow).collect()
}

impl Follower {
    /// Pulls what comes after the last event, until `stop` is set and nothing is left; returns all
    /// events of its scope. Each is the one after the one before, from any replica.
    async fn follow(mut self, stop: &AtomicBool) -> (Scope, Vec<Value>) {
        loop {
            let stopping = stop.load(Ordering::Relaxed);
            let after = self.events.len();
            let path = format!("/nexus/raw/events?after={after}&wait_seconds=2");
            let mut body = self.reader.get(&path).await;
            let page: Vec<Value> = serde_json::from_value(body["events"].take()).unwrap();
            if page.is_empty() && stopping {
                return (self.reader.scope, self.events);
            }
            for event in page {
                let expected = self.events.len() + 1;
                let scope = &self.reader.scope;
                assert_eq!(event["sequence"], expected, "a gap in {scope:?}");
                self.events.push(event);
            }
        }
    }
}
