use std::{cell::Cell, fmt, io, ops::Range, sync::Arc};

use serde::{Serialize, Serializer as _};
use slog::{Drain, KV, Key, OwnedKVList, Record, Serializer};

use super::{
    level::word,
    queue::{LineQueue, QueueWriter},
};

/// A drain of JSON lines. The order of members is time, level, message, trace id, then the others
/// from the outermost logger to the record.
///
/// It writes the JSON where the record is logged, and a thread takes the lines on: to send a record
/// to that thread each value would have to be cloned. `slog_json` writes the last member first.
pub(super) struct JsonLines(Arc<LineQueue>);

impl JsonLines {
    /// Starts a thread that writes to `output`.
    pub(super) fn to(output: impl io::Write + Send + 'static) -> io::Result<(Self, QueueWriter)> {
        let (queue, writer) = LineQueue::to(output)?;
        Ok((Self(queue), writer))
    }
}

impl Drain for JsonLines {
    type Ok = ();
    type Err = slog::Error;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> slog::Result {
        // a value that logs while it is formatted finds an empty one
        let mut buffers = BUFFERS.try_with(Cell::take).unwrap_or_default();
        let written = buffers.write(record, values);
        if written.is_ok() {
            self.0.push(&buffers.line);
        }
        buffers.clear();
        // an error means that the thread ends
        let _ = BUFFERS.try_with(|kept| kept.set(buffers));
        written
    }
}

/// What a thread keeps of a buffer after a long record.
const KEPT_BYTES: usize = 16 * 1024;

thread_local! {
    static BUFFERS: Cell<Buffers> = const { Cell::new(Buffers::new()) };
}

/// The memory of a record that is being written.
struct Buffers {
    members: Members,
    line: Vec<u8>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

impl Buffers {
    const fn new() -> Self {
        Self {
            members: Members {
                text: Vec::new(),
                found: Vec::new(),
            },
            line: Vec::new(),
        }
    }

    /// Writes the members of a line after its time, each with a comma before it.
    fn write(&mut self, record: &Record<'_>, values: &OwnedKVList) -> slog::Result {
        record.kv().serialize(record, &mut self.members)?;
        values.serialize(record, &mut self.members)?;
        let line = &mut self.line;
        write_member(line, "level", |line| json(line, word(record.level())))?;
        write_member(line, "msg", |line| json_text(line, record.msg()))?;
        let Members { text, found } = &self.members;
        let of_trace = |(key, _): &&(Key, Range<usize>)| *key == "trace_id";
        let trace = found.iter().filter(of_trace);
        let others = found.iter().rev().filter(|member| !of_trace(member));
        for (key, value) in trace.chain(others) {
            write_member(line, key, |line| {
                line.extend_from_slice(&text[value.clone()]);
                Ok(())
            })?;
        }
        line.push(b'}');
        Ok(())
    }

    fn clear(&mut self) {
        self.members.found.clear();
        for buffer in [&mut self.members.text, &mut self.line] {
            buffer.clear();
            buffer.shrink_to(KEPT_BYTES);
        }
    }
}

fn write_member(
    line: &mut Vec<u8>,
    key: &str,
    value: impl FnOnce(&mut Vec<u8>) -> slog::Result,
) -> slog::Result {
    line.push(b',');
    json(line, key)?;
    line.push(b':');
    value(line)
}

fn json(to: &mut Vec<u8>, value: impl Serialize) -> slog::Result {
    serde_json::to_writer(to, &value).map_err(|_| slog::Error::Other)
}

/// Writes a JSON string piece by piece.
fn json_text(to: &mut Vec<u8>, value: &fmt::Arguments<'_>) -> slog::Result {
    let written = serde_json::Serializer::new(to).collect_str(value);
    written.map_err(|_| slog::Error::Other)
}

/// The members of a record in slog's order, the last one first, each with the place of its value's
/// JSON in the text.
struct Members {
    text: Vec<u8>,
    found: Vec<(Key, Range<usize>)>,
}

impl Members {
    fn put(&mut self, key: Key, value: impl FnOnce(&mut Vec<u8>) -> slog::Result) -> slog::Result {
        // the latest value of a member wins
        if self.found.iter().any(|(known, _)| *known == key) {
            return Ok(());
        }
        let begin = self.text.len();
        value(&mut self.text)?;
        self.found.push((key, begin..self.text.len()));
        Ok(())
    }
}

/// Defines the methods of [`Serializer`] for each type of value.
macro_rules! kinds {
    ($($method:ident: $kind:ty),+ $(,)?) => {
        $(fn $method(&mut self, key: Key, value: $kind) -> slog::Result {
            self.put(key, |text| json(text, value))
        })+
    };
}

impl Serializer for Members {
    kinds! {
        emit_bool: bool,
        emit_u8: u8,
        emit_u16: u16,
        emit_u32: u32,
        emit_u64: u64,
        emit_usize: usize,
        emit_i8: i8,
        emit_i16: i16,
        emit_i32: i32,
        emit_i64: i64,
        emit_isize: isize,
        emit_f64: f64,
        emit_str: &str,
    }

    fn emit_f32(&mut self, key: Key, value: f32) -> slog::Result {
        self.emit_f64(key, value.into())
    }

    fn emit_unit(&mut self, key: Key) -> slog::Result {
        self.put(key, |text| json(text, ()))
    }

    fn emit_none(&mut self, key: Key) -> slog::Result {
        self.emit_unit(key)
    }

    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        self.put(key, |text| json_text(text, value))
    }
}
