use std::io::Write;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{fact::in_words, pages::Pages, read, table::Table};
use crate::failure::Failure;

/// A writer of the events of an asset, page by page. The widths of its columns depend on all rows.
pub(crate) struct AssetEvents(Pages<Event>);

#[derive(Deserialize)]
pub(super) struct EventsPage<'p> {
    #[serde(borrow)]
    pub(super) events: Vec<&'p RawValue>,
}

/// What an event has beyond its asset and its type. Either may be absent.
#[derive(Deserialize)]
pub(super) struct EventDetail {
    fact: Option<EventFact>,
    verification: Option<EventVerification>,
}

#[derive(Deserialize)]
struct EventFact {
    kind: String,
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct EventVerification {
    verdict: String,
}

#[derive(Deserialize)]
struct Event {
    sequence: u64,
    occurred_at: String,
    #[serde(rename = "event_type")]
    kind: String,
    user_id: String,
    trace_id: String,
    #[serde(flatten)]
    detail: EventDetail,
}

const HEAD: [&str; 6] = ["SEQUENCE", "TIME", "EVENT", "USER", "TRACE", "DETAIL"];

impl AssetEvents {
    pub(crate) fn new(json: bool) -> Self {
        Self(Pages::new("events", json))
    }

    /// Returns the last added sequence number.
    pub(crate) fn last(&self) -> u64 {
        self.0.last()
    }

    /// Adds a page and returns its number of events.
    pub(crate) fn add(&mut self, out: &mut impl Write, page: &[u8]) -> Result<usize, Failure> {
        self.0.add(out, &read::<EventsPage<'_>>(page)?.events)
    }

    /// Writes the rest: the end of the JSON, or the table.
    pub(crate) fn end(self, out: &mut impl Write) -> Result<(), Failure> {
        let is_json = self.0.is_json();
        let events = self.0.end(out, "")?;
        if is_json {
            return Ok(());
        }
        let rows: Vec<_> = events.into_iter().map(Event::row).collect();
        let mut table = Table::fitted(HEAD, &rows);
        table.head(out)?;
        rows.iter().try_for_each(|row| table.row(out, row))?;
        Ok(())
    }
}

impl EventDetail {
    pub(super) fn in_words(self) -> String {
        match (self.fact, self.verification) {
            (Some(EventFact { kind, value }), _) => format!("{kind}: {}", in_words(&kind, &value)),
            (_, Some(EventVerification { verdict })) => format!("verdict: {verdict}"),
            (None, None) => String::new(),
        }
    }
}

impl Event {
    fn row(self) -> [String; HEAD.len()] {
        [
            self.sequence.to_string(),
            self.occurred_at,
            self.kind,
            self.user_id,
            self.trace_id,
            self.detail.in_words(),
        ]
    }
}
