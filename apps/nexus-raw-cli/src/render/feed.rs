use std::io::Write;

use serde::Deserialize;

use super::{
    events::{EventDetail, EventsPage},
    read,
    table::{Column, Table},
};
use crate::failure::Failure;

/// A writer of the events of a tenant and environment, page by page.
pub(crate) struct Feed {
    last: u64,
    json: bool,
    table: Table<6>,
}

#[derive(Deserialize)]
struct FeedEvent {
    sequence: u64,
    occurred_at: String,
    #[serde(rename = "event_type")]
    kind: String,
    asset_id: String,
    user_id: String,
    #[serde(flatten)]
    detail: EventDetail,
}

impl Feed {
    pub(crate) fn after(last: u64, json: bool) -> Self {
        let columns = [
            Column::left("SEQUENCE", 8),
            Column::left("TIME", 27),
            Column::left("EVENT", 28),
            Column::left("ASSET", 36),
            Column::left("USER", 12),
            Column::last("DETAIL"),
        ];
        Self {
            last,
            json,
            table: Table::new(columns),
        }
    }

    /// Returns the last written sequence number.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Writes a page, one event per line, and returns its number of events. Sequence numbers have no
    /// gap: any other event is of another feed, and is an error.
    pub(crate) fn write(&mut self, out: &mut impl Write, page: &[u8]) -> Result<usize, Failure> {
        let page: EventsPage<'_> = read(page)?;
        for text in &page.events {
            let event: FeedEvent = read(text.get().as_bytes())?;
            let sequence = event.sequence;
            if sequence != self.last + 1 {
                return Err(Failure::Gap {
                    last: self.last,
                    next: sequence,
                });
            }
            if self.json {
                writeln!(out, "{text}")?;
            } else {
                self.table.row(out, &event.row())?;
            }
            self.last = sequence;
        }
        Ok(page.events.len())
    }
}

impl FeedEvent {
    fn row(self) -> [String; 6] {
        [
            self.sequence.to_string(),
            self.occurred_at,
            self.kind,
            self.asset_id,
            self.user_id,
            self.detail.in_words(),
        ]
    }
}
