//! All events that were ever written to standard output, over all lives of the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{check::LastSequences, machine::Server};

/// How long to wait for events that earlier lives did not write; they come at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// Each event once, by its place.
#[derive(Default)]
pub(crate) struct Audit {
    places: BTreeMap<String, BTreeMap<u64, Value>>,
    registered: BTreeSet<String>,
    /// How many lines repeated an event.
    pub(crate) repeats: usize,
}

impl Audit {
    /// Takes lines of standard output; the events among them that are new.
    pub(crate) fn take(&mut self, lines: &[String]) -> Vec<Value> {
        let events = lines.iter().filter_map(|line| event(line));
        events.filter(|event| self.is_new(event)).collect()
    }

    fn is_new(&mut self, event: &Value) -> bool {
        let tenant = event["tenant_id"].as_str().unwrap().to_owned();
        let sequence = event["sequence"].as_u64().unwrap();
        let place = self.places.entry(tenant).or_default();
        if let Some(before) = place.get(&sequence) {
            assert_eq!(before, event, "two events at one place");
            self.repeats += 1;
            return false;
        }
        if event["event_type"] == "raw_asset_registered" {
            let asset_id = event["asset_id"].as_str().unwrap();
            let first = self.registered.insert(asset_id.to_owned());
            assert!(first, "{asset_id} was registered twice");
        }
        place.insert(sequence, event.clone());
        true
    }

    /// Reads standard output until the last event of each tenant has come; the new events.
    pub(crate) fn take_until(&mut self, server: &Server, last: &LastSequences) -> Vec<Value> {
        let until = Instant::now() + PATIENCE;
        let mut new = Vec::new();
        while !self.has(last) {
            let patience = until.saturating_duration_since(Instant::now());
            let line = server.line(patience);
            new.extend(self.take(&[line]));
        }
        new
    }

    fn has(&self, last: &LastSequences) -> bool {
        last.iter().all(|(tenant, sequence)| {
            let place = self.places.get(*tenant);
            place.is_some_and(|place| place.contains_key(sequence))
        })
    }

    /// Per tenant the sequences are 1 to n.
    pub(crate) fn has_no_gap(&self) {
        for (tenant, sequences) in &self.places {
            let last = sequences.keys().next_back().copied().unwrap_or_default();
            assert_eq!(
                last,
                sequences.len() as u64,
                "a gap in the events of {tenant}"
            );
        }
    }

    /// Every event that was ever written.
    pub(crate) fn events(&self) -> Vec<Value> {
        let places = self.places.values();
        places.flat_map(BTreeMap::values).cloned().collect()
    }
}

/// The event of a line; `None` for a line that the kill cut short, which is written again.
fn event(line: &str) -> Option<Value> {
    let mut line: Value = serde_json::from_str(line).ok()?;
    Some(line["event"].take())
}
