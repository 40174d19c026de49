use std::io::{self, Write};

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Shown;
use crate::failure::{Failure, Peer};

/// The events of an asset, page by page, and how far they have come.
pub(crate) struct AssetEvents {
    last: u64,
    /// JSON is written as it comes; `None` for a table, whose columns are as wide as its rows need.
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

    /// The last sequence that was added.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Adds a page; how many events it had. One that does not go on from the last is no answer to
    /// what was asked.
    pub(crate) fn add(&mut self, out: &mut impl Write, page: &[u8]) -> Result<usize, Failure> {
        let page: Page<'_> = read(page)?;
        for text in &page.events {
            let Place { sequence } = read(text.get().as_bytes())?;
            if sequence <= self.last {
                return Err(strange());
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

    /// Writes what is left to be written: events in the order of the answers.
    pub(crate) fn end(self, out: &mut impl Write) -> Result<(), Failure> {
        match self.json {
            Some(true) => Ok(out.write_all(b"]}")?),
            Some(false) => Ok(out.write_all(b"{\"events\":[]}")?),
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
            Shown(&self.occurred_at).to_string(),
            Shown(&self.kind).to_string(),
            Shown(&self.user_id).to_string(),
            Shown(&self.trace_id).to_string(),
        ]
    }
}

fn read<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|_| strange())
}

fn strange() -> Failure {
    Failure::StrangeAnswer {
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
