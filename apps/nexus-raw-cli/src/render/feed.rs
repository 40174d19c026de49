use std::io::Write;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Shown;
use crate::failure::{Failure, Peer};

/// The events of a tenant and environment, page by page, and how far they have come.
pub(crate) struct Feed {
    last: u64,
    json: bool,
    has_head: bool,
}

#[derive(Deserialize)]
struct Page<'p> {
    #[serde(borrow)]
    events: Vec<&'p RawValue>,
}

#[derive(Deserialize)]
struct Event {
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

    /// The last sequence that was written.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Writes a page, one event a line; how many there were. Sequences have no gap: whatever else
    /// comes is not the feed that was followed so far, and is not written.
    pub(crate) fn write(&mut self, out: &mut impl Write, page: &[u8]) -> Result<usize, Failure> {
        let page: Page<'_> = read(page)?;
        for text in &page.events {
            let event: Event = read(text.get().as_bytes())?;
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

    /// The widths are those of what the service writes today; more moves a row, and hides nothing.
    fn write_row(&mut self, out: &mut impl Write, event: &Event) -> Result<(), Failure> {
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
            Shown(&event.occurred_at).to_string(),
            Shown(&event.kind).to_string(),
            Shown(&event.asset_id).to_string(),
            Shown(&event.user_id),
        )?;
        Ok(())
    }
}

fn read<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|_| Failure::StrangeAnswer {
        from: Peer::Service,
        status: StatusCode::OK,
    })
}
