use std::collections::BTreeSet;

use csv::{ReaderBuilder, StringRecord};

use super::{
    faults::FaultLines,
    row::{RawRow, RawStatement},
};

/// A column that a manifest may have.
enum Column {
    Key,
    Filename,
    ContentType,
    CapturedAt,
    DerivedFrom,
    Activity,
    PiiFlags,
    TrainOk,
    Label(String),
}

impl Column {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "key" => Self::Key,
            "filename" => Self::Filename,
            "content_type" => Self::ContentType,
            "captured_at" => Self::CapturedAt,
            "derived_from" => Self::DerivedFrom,
            "activity" => Self::Activity,
            "pii_flags" => Self::PiiFlags,
            "train_ok" => Self::TrainOk,
            _ => Self::Label(name.strip_prefix("label.")?.to_owned()),
        })
    }
}

/// Reads rows under a header. An empty cell states nothing; lists are divided by spaces.
pub(super) fn rows(text: &[u8], faults: &mut FaultLines) -> Vec<RawRow> {
    let mut reader = ReaderBuilder::new().from_reader(text);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            faults.add(1, reason(&error));
            return Vec::new();
        }
    };
    let columns = columns(&header, faults);
    if !columns.iter().any(|it| matches!(it, Some(Column::Key))) {
        faults.add(1, "the header has no column key");
        return Vec::new();
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => rows.push(row(&record, &columns, faults)),
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                faults.add(line, reason(&error));
            }
        }
    }
    rows
}

fn reason(error: &csv::Error) -> &'static str {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "is no UTF-8",
        csv::ErrorKind::UnequalLengths { .. } => "has another number of cells than the header",
        _ => "is no row of CSV",
    }
}

fn columns(header: &StringRecord, faults: &mut FaultLines) -> Vec<Option<Column>> {
    let mut seen = BTreeSet::new();
    let columns = header.iter().map(|name| {
        let column = Column::of(name);
        if column.is_none() && header.len() == 1 && name.contains([';', '\t']) {
            faults.add(1, "cells must be separated by commas");
        } else if column.is_none() {
            faults.add(1, format!("{name:?} is no column of a manifest"));
        } else if !seen.insert(name) {
            faults.add(1, format!("the column {name} is there twice"));
        }
        column
    });
    columns.collect()
}

fn row(record: &StringRecord, columns: &[Option<Column>], faults: &mut FaultLines) -> RawRow {
    let line = record.position().map_or(1, csv::Position::line);
    let mut key = None;
    let mut stated = RawStatement::default();
    for (cell, column) in record.iter().zip(columns) {
        let Some(column) = column else { continue };
        let text = || Some(cell.to_owned());
        let list = || cell.split_ascii_whitespace().map(str::to_owned).collect();
        match column {
            _ if cell.is_empty() => {}
            Column::Key => key = text(),
            Column::Filename => stated.filename = text(),
            Column::ContentType => stated.content_type = text(),
            Column::CapturedAt => stated.captured_at = text(),
            Column::DerivedFrom => stated.derived_from = list(),
            Column::Activity => stated.activity = text(),
            Column::PiiFlags => stated.pii_flags = list(),
            // spreadsheets write it in capitals, and pandas with one
            Column::TrainOk => match cell.to_ascii_lowercase().parse() {
                Ok(train_ok) => stated.train_ok = Some(train_ok),
                Err(_) => faults.add(line, "train_ok: must be true or false"),
            },
            Column::Label(label) => stated.labels.push((label.clone(), cell.to_owned())),
        }
    }
    RawRow { line, key, stated }
}
