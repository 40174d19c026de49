use std::{
    cell::RefCell,
    fmt,
    io::{self, Write as _},
};

use nexus_raw::{ports::Clock, system::SystemClock};
use nexus_raw_events::{LineWriter, SharedOutput};
use serde_json::Value;
use slog::{Drain, KV, Key, OwnedKVList, Record, Serializer};

use super::level::word;

/// A drain of JSON lines, one write per line. The order of members is time, level, message, trace
/// id, then the others from the outermost logger to the record.
///
/// `slog_json` writes the last member first.
pub(super) struct JsonLines(RefCell<LineWriter>);

impl JsonLines {
    pub(super) fn to(output: impl io::Write + Send + 'static) -> Self {
        Self(RefCell::new(SharedOutput::new(output).lines()))
    }
}

impl Drain for JsonLines {
    type Ok = ();
    type Err = io::Error;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> io::Result<()> {
        let mut members = Members::default();
        record.kv().serialize(record, &mut members)?;
        values.serialize(record, &mut members)?;
        let head = [
            ("ts", SystemClock.now().to_string()),
            ("level", word(record.level()).to_owned()),
            ("msg", record.msg().to_string()),
        ];
        let head = head.into_iter().map(|(key, text)| (key, Value::from(text)));
        let mut to = self.0.borrow_mut();
        let mut before = '{';
        for (key, value) in head.chain(members.in_order()) {
            write!(to, "{before}{}:{value}", Value::from(key))?;
            before = ',';
        }
        to.write_all(b"}\n")?;
        to.flush()
    }
}

/// The members of a record in slog's order, the last one first.
#[derive(Default)]
struct Members(Vec<(Key, Value)>);

impl Members {
    fn put(&mut self, key: Key, value: impl Into<Value>) {
        // the latest value of a member wins
        if self.0.iter().all(|(known, _)| *known != key) {
            self.0.push((key, value.into()));
        }
    }

    fn in_order(self) -> impl Iterator<Item = (Key, Value)> {
        let of_trace = |(key, _): &(Key, Value)| *key == "trace_id";
        let (trace, others): (Vec<_>, Vec<_>) = self.0.into_iter().rev().partition(of_trace);
        trace.into_iter().chain(others)
    }
}

/// Defines the methods of [`Serializer`] for each type of value.
macro_rules! kinds {
    ($($method:ident: $kind:ty as $as:ty),+ $(,)?) => {
        $(fn $method(&mut self, key: Key, value: $kind) -> slog::Result {
            self.put(key, <$as>::from(value));
            Ok(())
        })+
    };
}

impl Serializer for Members {
    kinds! {
        emit_bool: bool as bool,
        emit_u8: u8 as u64,
        emit_u16: u16 as u64,
        emit_u32: u32 as u64,
        emit_u64: u64 as u64,
        emit_i8: i8 as i64,
        emit_i16: i16 as i64,
        emit_i32: i32 as i64,
        emit_i64: i64 as i64,
        emit_f32: f32 as f64,
        emit_f64: f64 as f64,
        emit_str: &str as Value,
    }

    fn emit_usize(&mut self, key: Key, value: usize) -> slog::Result {
        self.put(key, value);
        Ok(())
    }

    fn emit_isize(&mut self, key: Key, value: isize) -> slog::Result {
        self.put(key, value);
        Ok(())
    }

    fn emit_unit(&mut self, key: Key) -> slog::Result {
        self.put(key, Value::Null);
        Ok(())
    }

    fn emit_none(&mut self, key: Key) -> slog::Result {
        self.put(key, Value::Null);
        Ok(())
    }

    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        self.put(key, value.to_string());
        Ok(())
    }
}
