use std::io::{self, Write};

use nexus_raw::text::is_invisible;
use slog::{OwnedKVList, Record};
use slog_term::{Decorator, RecordDecorator};

/// A decorator that escapes control and invisible characters in texts, so that they cannot control
/// the terminal. The colours are those of the inner decorator.
pub(super) struct EscapingDecorator<D>(pub(super) D);

impl<D: Decorator> Decorator for EscapingDecorator<D> {
    fn with_record<F>(&self, record: &Record<'_>, values: &OwnedKVList, write: F) -> io::Result<()>
    where
        F: FnOnce(&mut dyn RecordDecorator) -> io::Result<()>,
    {
        self.0.with_record(record, values, |to| {
            write(&mut EscapingRecord { to, is_text: false })
        })
    }
}

struct EscapingRecord<'a> {
    to: &'a mut dyn RecordDecorator,
    /// Whether a message, a key or a value is being written, and not a separator.
    is_text: bool,
}

impl EscapingRecord<'_> {
    fn part(
        &mut self,
        is_text: bool,
        start: impl FnOnce(&mut dyn RecordDecorator) -> io::Result<()>,
    ) -> io::Result<()> {
        self.is_text = is_text;
        start(self.to)
    }
}

impl Write for EscapingRecord<'_> {
    /// Expects whole characters, as formatting writes them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_text {
            return self.to.write(bytes);
        }
        let mut escaped = String::with_capacity(bytes.len());
        for char in String::from_utf8_lossy(bytes).chars() {
            if is_invisible(char) {
                escaped.extend(char.escape_unicode());
            } else {
                escaped.push(char);
            }
        }
        self.to.write_all(escaped.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl RecordDecorator for EscapingRecord<'_> {
    fn reset(&mut self) -> io::Result<()> {
        self.to.reset()
    }

    fn start_whitespace(&mut self) -> io::Result<()> {
        self.part(false, |to| to.start_whitespace())
    }

    fn start_msg(&mut self) -> io::Result<()> {
        self.part(true, |to| to.start_msg())
    }

    fn start_timestamp(&mut self) -> io::Result<()> {
        self.part(false, |to| to.start_timestamp())
    }

    fn start_level(&mut self) -> io::Result<()> {
        self.part(false, |to| to.start_level())
    }

    fn start_comma(&mut self) -> io::Result<()> {
        self.part(false, |to| to.start_comma())
    }

    fn start_key(&mut self) -> io::Result<()> {
        self.part(true, |to| to.start_key())
    }

    fn start_value(&mut self) -> io::Result<()> {
        self.part(true, |to| to.start_value())
    }

    fn start_location(&mut self) -> io::Result<()> {
        self.part(false, |to| to.start_location())
    }

    fn start_separator(&mut self) -> io::Result<()> {
        self.part(false, |to| to.start_separator())
    }
}

#[cfg(test)]
mod tests {
    use slog::{Drain, Logger, o};
    use slog_term::{FullFormat, PlainSyncDecorator};

    use super::{super::Lines, *};

    #[test]
    fn no_text_of_a_record_steers_the_terminal() {
        let lines = Lines::default();
        let decorator = EscapingDecorator(PlainSyncDecorator::new(lines.clone()));
        let format = FullFormat::new(decorator)
            .use_custom_timestamp(|to| write!(to, "now"))
            .build();
        let log = Logger::root(format.ignore_res(), o!());
        slog::info!(log, "m\n\u{1b}[2J"; "user_id" => "a\u{202e}b\u{2028}c\u{85}\u{e9}\r", "k\u{9b}" => 7);
        let text = lines.text();
        assert_eq!(
            text,
            "now INFO m\\u{a}\\u{1b}[2J, k\\u{9b}: 7, user_id: a\\u{202e}b\\u{2028}c\\u{85}\u{e9}\\u{d}\n"
        );
    }
}
