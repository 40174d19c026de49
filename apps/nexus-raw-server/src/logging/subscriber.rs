use std::fmt::{self, Debug};

use slog::{BorrowedKV, KV, Key, Logger, Record, RecordLocation, RecordStatic, Serializer};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

/// A subscriber that forwards events of `tracing` to slog, with their fields. It has no spans.
///
/// The `log` feature of `tracing` would format the fields into the message.
pub(super) struct SlogSubscriber {
    pub(super) log: Logger,
    pub(super) max_level: Level,
}

impl Subscriber for SlogSubscriber {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.max_level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.max_level))
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut fields = EventFields::default();
        event.record(&mut fields);
        let location = RecordLocation {
            file: "",
            line: metadata.line().unwrap_or_default(),
            column: 0,
            function: "",
            module: "",
        };
        let record = RecordStatic {
            location: &location,
            tag: metadata.target(),
            level: level(*metadata.level()),
        };
        self.log.log(&Record::new(
            &record,
            &format_args!("{}", fields.message),
            BorrowedKV(&fields),
        ));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        // not reached: spans are disabled
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn level(level: Level) -> slog::Level {
    match level {
        Level::ERROR => slog::Level::Error,
        Level::WARN => slog::Level::Warning,
        Level::INFO => slog::Level::Info,
        Level::DEBUG => slog::Level::Debug,
        Level::TRACE => slog::Level::Trace,
    }
}

/// The message and the other fields of an event.
#[derive(Default)]
struct EventFields {
    message: String,
    others: Vec<(Key, FieldValue)>,
}

enum FieldValue {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

impl Visit for EventFields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put_text(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value.to_owned());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.push((field.name(), FieldValue::Bool(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.push((field.name(), FieldValue::Signed(value)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        let value = FieldValue::Unsigned(value);
        self.others.push((field.name(), value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.others.push((field.name(), FieldValue::Float(value)));
    }
}

impl EventFields {
    fn put_text(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = text;
        } else {
            self.others.push((field.name(), FieldValue::Text(text)));
        }
    }
}

impl KV for EventFields {
    /// Serializes the last field first, as slog does.
    fn serialize(&self, _: &Record<'_>, serializer: &mut dyn Serializer) -> slog::Result {
        self.others
            .iter()
            .rev()
            .try_for_each(|(key, value)| match value {
                FieldValue::Bool(value) => serializer.emit_bool(key, *value),
                FieldValue::Signed(value) => serializer.emit_i64(key, *value),
                FieldValue::Unsigned(value) => serializer.emit_u64(key, *value),
                FieldValue::Float(value) => serializer.emit_f64(key, *value),
                FieldValue::Text(value) => serializer.emit_str(key, value),
            })
    }
}

impl fmt::Debug for SlogSubscriber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SlogSubscriber").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use slog::{Drain, o};
    use tracing::subscriber::with_default;

    use super::{
        super::{Lines, json::JsonLines},
        *,
    };

    #[test]
    fn fields_of_an_event_are_members_and_its_message_is_constant() {
        let lines = Lines::default();
        let (drain, writer) = JsonLines::to(lines.clone()).unwrap();
        let subscriber = SlogSubscriber {
            log: Logger::root(drain.ignore_res(), o!("library" => true)),
            max_level: Level::WARN,
        };
        with_default(subscriber, || {
            let error = io::Error::other("down");
            tracing::warn!(%error, reason = "no\nkey", keys = 2_u64, left = -1, "load failed");
            tracing::error_span!("span").in_scope(|| tracing::info!("too little"));
        });
        drop(writer);
        let text = lines.text();
        let (_, untimed) = text.split_once(',').unwrap();
        assert_eq!(
            untimed,
            "\"level\":\"WARN\",\"msg\":\"load failed\",\"library\":true,\"error\":\"down\",\
             \"reason\":\"no\\nkey\",\"keys\":2,\"left\":-1}\n"
        );
    }
}
