use std::io::Write;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{read, unexpected};
use crate::failure::Failure;

/// The pages of a list in order of sequence, as one JSON document or as rows.
pub(super) struct Pages<R> {
    member: &'static str,
    last: u64,
    /// JSON is written as it arrives, each item unchanged; `None` for rows.
    json: Option<bool>,
    rows: Vec<R>,
}

#[derive(Deserialize)]
struct Place {
    sequence: u64,
}

impl<R: for<'j> Deserialize<'j>> Pages<R> {
    /// Makes a list whose name in the document is `member`.
    pub(super) fn new(member: &'static str, json: bool) -> Self {
        Self {
            member,
            last: 0,
            json: json.then_some(false),
            rows: Vec::new(),
        }
    }

    /// Returns the last added sequence number.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Adds the items of a page and returns their number. An item that does not continue after the
    /// last one is an error.
    pub(super) fn add(
        &mut self,
        out: &mut impl Write,
        items: &[&RawValue],
    ) -> Result<usize, Failure> {
        for text in items {
            let Place { sequence } = read(text.get().as_bytes())?;
            if sequence <= self.last {
                return Err(unexpected());
            }
            self.last = sequence;
            if self.json.is_some() {
                self.begin(out, ",")?;
                write!(out, "{text}")?;
            } else {
                self.rows.push(read(text.get().as_bytes())?);
            }
        }
        Ok(items.len())
    }

    /// Ends the JSON, with further members, or returns the rows.
    pub(super) fn end(mut self, out: &mut impl Write, more: &str) -> Result<Vec<R>, Failure> {
        if self.json.is_some() {
            self.begin(out, "")?;
            writeln!(out, "]{more}}}")?;
        }
        Ok(self.rows)
    }

    /// Writes the start of the document or, once it is written, a separator.
    fn begin(&mut self, out: &mut impl Write, separator: &str) -> Result<(), Failure> {
        match self.json.replace(true) {
            Some(true) => write!(out, "{separator}")?,
            _ => write!(out, "{{\"{}\":[", self.member)?,
        }
        Ok(())
    }

    /// Returns whether the output is JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json.is_some()
    }
}
