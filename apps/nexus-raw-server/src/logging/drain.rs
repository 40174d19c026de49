use std::{
    io::{self, IsTerminal, Write as _},
    panic::{RefUnwindSafe, UnwindSafe},
};

use nexus_raw_config::{LogFormat, LogLevel, LogSettings};
use slog::{Drain, Level, LevelFilter, Logger, Record, o};
use slog_async::{Async, OverflowStrategy};
use slog_term::{CountingWriter, RecordDecorator, ThreadSafeTimestampFn};

use super::{WriterGuard, json::JsonLines, level::word, terminal::EscapingDecorator};

/// How many records wait for a terminal. Further records are counted and dropped, so that requests
/// never wait for the log.
const MAX_RECORDS: usize = 4096;

pub(super) fn on_standard_error(settings: &LogSettings) -> io::Result<(Logger, WriterGuard)> {
    let for_a_person = match settings.format {
        LogFormat::Json => false,
        LogFormat::Terminal => true,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let level = level(settings.level);
    if for_a_person {
        let decorator = slog_term::TermDecorator::new().stderr().build();
        let drain = slog_term::FullFormat::new(EscapingDecorator(decorator))
            .use_utc_timestamp()
            .use_original_order()
            .use_custom_header_print(header)
            .build();
        let (queue, writer) = Async::new(drain.ignore_res())
            .chan_size(MAX_RECORDS)
            .overflow_strategy(OverflowStrategy::DropAndReport)
            .thread_name("log".to_owned())
            .build_with_guard();
        Ok((filtered(queue, level), Box::new(writer)))
    } else {
        let (lines, writer) = JsonLines::to(io::stderr())?;
        Ok((filtered(lines, level), Box::new(writer)))
    }
}

/// Returns a logger of the records from this level on. Records after the end of the writer are
/// dropped by `ignore_res`; `fuse` would panic, which in a destructor aborts the process.
fn filtered(
    drain: impl Drain + Send + Sync + RefUnwindSafe + UnwindSafe + 'static,
    level: Level,
) -> Logger {
    Logger::root(LevelFilter::new(drain, level).ignore_res(), o!())
}

/// Writes time, level and message for the terminal. Returns whether there is a message.
fn header(
    timestamp: &dyn ThreadSafeTimestampFn<Output = io::Result<()>>,
    mut to: &mut dyn RecordDecorator,
    record: &Record<'_>,
    _location: bool,
) -> io::Result<bool> {
    to.start_timestamp()?;
    timestamp(&mut to)?;
    to.start_whitespace()?;
    write!(to, " ")?;
    to.start_level()?;
    // padded to the longest level
    write!(to, "{:5}", word(record.level()))?;
    to.start_whitespace()?;
    write!(to, " ")?;
    to.start_msg()?;
    let mut counted = CountingWriter::new(&mut to);
    write!(counted, "{}", record.msg())?;
    Ok(counted.count() != 0)
}

pub(super) fn level(level: LogLevel) -> Level {
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
    use super::{super::Lines, *};

    /// Returns the written records without their times.
    fn written(level: Level, record: impl FnOnce(&Logger)) -> String {
        let lines = Lines::default();
        let (drain, writer) = JsonLines::to(lines.clone()).unwrap();
        let log = filtered(drain, level);
        record(&log);
        drop(writer);
        slog::info!(log, "nobody writes this any more");
        let text = lines.text();
        let untimed = text.lines().map(|line| {
            let (time, rest) = line.split_once(',').unwrap();
            assert!(
                time.starts_with("{\"ts\":\"20") && time.ends_with("Z\""),
                "{line}"
            );
            rest
        });
        untimed.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_record_is_one_json_line_of_time_level_message_and_trace_and_then_the_rest_in_order() {
        let text = written(Level::Info, |log| {
            let request =
                log.new(o!("request_id" => "r", "trace_id" => "t", "route" => None::<&str>));
            let answer = request.new(o!("status" => 200_u16, "ratio" => 0.5, "late" => false));
            slog::info!(answer, "what\nhappened"; "code" => "a\"b", "error" => format_args!("{}: {}", 1, 2));
            slog::debug!(answer, "below the level");
        });
        assert_eq!(
            text,
            "\"level\":\"INFO\",\"msg\":\"what\\nhappened\",\"trace_id\":\"t\",\"request_id\":\"r\",\
             \"route\":null,\"status\":200,\"ratio\":0.5,\"late\":false,\"code\":\"a\\\"b\",\"error\":\"1: 2\"}"
        );
    }

    #[test]
    fn a_repeated_member_is_written_once_with_its_last_value() {
        let text = written(Level::Info, |log| {
            slog::warn!(log.new(o!("a" => 1, "b" => 2)), "twice"; "a" => 3);
        });
        assert_eq!(
            text,
            "\"level\":\"WARN\",\"msg\":\"twice\",\"b\":2,\"a\":3}"
        );
    }

    #[test]
    fn a_person_reads_the_same_word_for_a_level() {
        let lines = Lines::default();
        let drain = slog_term::FullFormat::new(slog_term::PlainSyncDecorator::new(lines.clone()))
            .use_custom_timestamp(|to: &mut dyn io::Write| write!(to, "now"))
            .use_original_order()
            .use_custom_header_print(header)
            .build();
        let log = Logger::root(drain.ignore_res(), o!());
        slog::error!(log, "failed"; "status" => 500);
        slog::info!(log, "served");
        let text = lines.text();
        assert_eq!(text, "now ERROR failed, status: 500\nnow INFO  served\n");
    }
}
