use std::io::{self, Write};

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Escaped;
use crate::failure::{Failure, Peer};

/// A writer of the events of an asset, page by page.
pub(crate) struct AssetEvents {
    last: u64,
    /// JSON is written as it arrives; `None` for a table, whose column widths depend on all rows.
    json: Option<bool>,
    rows: Vec<[String; HEAD.len()]>,
}

#[derive(Deserialize)]
struct Page<'p> {
    #[serde(borrow)]
    events: Vec<&'p RawValue>,
}

#[derive(Deserialize)]
struct Place {
    sequence: u64,
}

#[derive(Deserialize)]
struct Event {
    sequence: u64,
    occurred_at: String,
    #[serde(rename = "event_type")]
    kind: String,
    user_id: String,
    trace_id: String,
}

const HEAD: [&str; 5] = ["SEQUENCE", "TIME", "EVENT", "USER", "TRACE"];

impl AssetEvents {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            last: 0,
            json: json.then_some(false),
            rows: Vec::new(),
        }
    }

    /// Returns the last added sequence number.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Adds a page and returns its number of events. A page that does not continue after the last
    /// event is an error.
    pub(crate) fn add(&mut self, out: &mut impl Write, page: &[u8]) -> Result<usize, Failure> {
        let page: Page<'_> = read(page)?;
        for text in &page.events {
            let Place { sequence } = read(text.get().as_bytes())?;
            if sequence <= self.last {
                return Err(unexpected());
            }
            self.last = sequence;
            match &mut self.json {
                Some(begun) => {
                    let before = if *begun { "," } else { "{\"events\":[" };
                    *begun = true;
                    write!(out, "{before}{text}")?;
                }
                None => self.rows.push(read::<Event>(text.get().as_bytes())?.row()),
            }
        }
        Ok(page.events.len())
    }

    /// Writes the rest: the end of the JSON, or the table.
    pub(crate) fn end(self, out: &mut impl Write) -> Result<(), Failure> {
        match self.json {
            Some(true) => Ok(out.write_all(b"]}\n")?),
            Some(false) => Ok(out.write_all(b"{\"events\":[]}\n")?),
            None => {
                let head = std::iter::once(HEAD.map(str::to_owned));
                Ok(write(out, &head.chain(self.rows).collect::<Vec<_>>())?)
            }
        }
    }
}

impl Event {
    fn row(&self) -> [String; HEAD.len()] {
        [
            self.sequence.to_string(),
            Escaped(&self.occurred_at).to_string(),
            Escaped(&self.kind).to_string(),
            Escaped(&self.user_id).to_string(),
            Escaped(&self.trace_id).to_string(),
        ]
    }
}

fn read<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|_| unexpected())
}

fn unexpected() -> Failure {
    Failure::UnexpectedResponse {
        from: Peer::Service,
        status: StatusCode::OK,
    }
}

fn write(out: &mut impl Write, table: &[[String; HEAD.len()]]) -> io::Result<()> {
    let widths: [usize; HEAD.len()] = std::array::from_fn(|column| {
        let lengths = table.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    });
    for row in table {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}
