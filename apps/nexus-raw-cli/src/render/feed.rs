use std::io::Write;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Escaped;
use crate::failure::{Failure, Peer};

/// A writer of the events of a tenant and environment, page by page.
pub(crate) struct Feed {
    last: u64,
    json: bool,
    has_head: bool,
}

#[derive(Deserialize)]
struct FeedPage<'p> {
    #[serde(borrow)]
    events: Vec<&'p RawValue>,
}

#[derive(Deserialize)]
struct FeedEvent {
    sequence: u64,
    occurred_at: String,
    #[serde(rename = "event_type")]
    kind: String,
    asset_id: String,
    user_id: String,
}

impl Feed {
    pub(crate) fn after(last: u64, json: bool) -> Self {
        Self {
            last,
            json,
            has_head: false,
        }
    }

    /// Returns the last written sequence number.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Writes a page, one event per line, and returns its number of events. Sequence numbers have no
    /// gap: any other event is of another feed, and is an error.
    pub(crate) fn write(&mut self, out: &mut impl Write, page: &[u8]) -> Result<usize, Failure> {
        let page: FeedPage<'_> = read(page)?;
        for text in &page.events {
            let event: FeedEvent = read(text.get().as_bytes())?;
            if event.sequence != self.last + 1 {
                return Err(Failure::Gap {
                    last: self.last,
                    next: event.sequence,
                });
            }
            if self.json {
                writeln!(out, "{text}")?;
            } else {
                self.write_row(out, &event)?;
            }
            self.last = event.sequence;
        }
        Ok(page.events.len())
    }

    /// Writes a row. The widths fit current values; a longer value shifts its row.
    fn write_row(&mut self, out: &mut impl Write, event: &FeedEvent) -> Result<(), Failure> {
        if !self.has_head {
            self.has_head = true;
            writeln!(
                out,
                "SEQUENCE  {:27}  {:20}  {:36}  USER",
                "TIME", "EVENT", "ASSET"
            )?;
        }
        writeln!(
            out,
            "{:<8}  {:27}  {:20}  {:36}  {}",
            event.sequence,
            Escaped(&event.occurred_at).to_string(),
            Escaped(&event.kind).to_string(),
            Escaped(&event.asset_id).to_string(),
            Escaped(&event.user_id),
        )?;
        Ok(())
    }
}

fn read<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|_| Failure::UnexpectedResponse {
        from: Peer::Service,
        status: StatusCode::OK,
    })
}
