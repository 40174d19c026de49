use std::io::{self, Write};

use reqwest::StatusCode;
use serde::Deserialize;

use super::Shown;
use crate::failure::{Failure, Peer};

#[derive(Deserialize)]
struct Answer {
    events: Vec<Event>,
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

/// Writes events as a table, one a line, in the order of the answer.
pub(crate) fn events(out: &mut impl Write, answer: &[u8]) -> Result<(), Failure> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| Failure::StrangeAnswer {
        from: Peer::Service,
        status: StatusCode::OK,
    })?;
    let rows = answer.events.into_iter().map(|event| {
        [
            event.sequence.to_string(),
            Shown(&event.occurred_at).to_string(),
            Shown(&event.kind).to_string(),
            Shown(&event.user_id).to_string(),
            Shown(&event.trace_id).to_string(),
        ]
    });
    let table: Vec<_> = std::iter::once(HEAD.map(str::to_owned))
        .chain(rows)
        .collect();
    Ok(write(out, &table)?)
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
