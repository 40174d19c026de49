use std::io::{self, IsTerminal};

use nexus_raw::ports::Clock;
use nexus_raw_config::{LogFormat, LogLevel, LogSettings};
use nexus_raw_events::SharedOutput;
use slog::{Drain, FnValue, Level, LevelFilter, Logger, PushFnValue, Record, o};
use slog_async::{Async, AsyncGuard, OverflowStrategy};

use super::terminal::Shown;
use crate::system::SystemClock;

/// How many records may wait to be written. Beyond that they are counted and dropped: requests
/// do not wait for a log that nobody reads.
const QUEUE: usize = 4096;

pub(super) fn on_standard_error(settings: &LogSettings) -> (Logger, AsyncGuard) {
    let for_a_person = match settings.format {
        LogFormat::Json => false,
        LogFormat::Terminal => true,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let level = level(settings.level);
    if for_a_person {
        let decorator = slog_term::TermDecorator::new().stderr().build();
        let drain = slog_term::FullFormat::new(Shown(decorator))
            .use_utc_timestamp()
            .use_original_order()
            .build();
        queued(drain.ignore_res(), level)
    } else {
        queued(json_lines(io::stderr()).ignore_res(), level)
    }
}

/// One JSON object a line, one write a line.
fn json_lines(to: impl io::Write + Send + 'static) -> impl Drain<Ok = (), Err = io::Error> + Send {
    slog_json::Json::new(SharedOutput::new(to).lines())
        .set_newlines(true)
        .set_flush(true)
        // slog writes the last key first
        .add_key_value(o!(
            "msg" => PushFnValue(|record: &Record<'_>, to| to.emit(record.msg())),
            "level" => FnValue(|record: &Record<'_>| record.level().as_str()),
            "ts" => FnValue(|_: &Record<'_>| SystemClock.now().to_string()),
        ))
        .build()
}

/// Records are written by a thread of their own. A record that comes after its end is dropped:
/// `ignore_res` and not `fuse`, whose panic in a destructor would abort the process.
fn queued(
    drain: impl Drain<Ok = (), Err = slog::Never> + Send + 'static,
    level: Level,
) -> (Logger, AsyncGuard) {
    let (queue, guard) = Async::new(drain)
        .chan_size(QUEUE)
        .overflow_strategy(OverflowStrategy::DropAndReport)
        .thread_name("log".to_owned())
        .build_with_guard();
    let filtered = LevelFilter::new(queue, level).ignore_res();
    (Logger::root(filtered, o!()), guard)
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Trace => Level::Trace,
        LogLevel::Debug => Level::Debug,
        LogLevel::Info => Level::Info,
        LogLevel::Warn => Level::Warning,
        LogLevel::Error => Level::Error,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_record_is_one_json_line_that_tells_time_level_and_message_first() {
        let lines = Lines::default();
        let (log, writer) = queued(json_lines(lines.clone()).ignore_res(), Level::Info);
        slog::info!(log, "what\nhappened"; "status" => 200);
        slog::debug!(log, "too little to tell");
        drop(writer);
        slog::info!(log, "nobody writes this any more");
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.starts_with("{\"ts\":\"20"), "{text}");
        let end = "Z\",\"level\":\"INFO\",\"msg\":\"what\\nhappened\",\"status\":200}\n";
        assert!(text.ends_with(end), "{text}");
    }
}
