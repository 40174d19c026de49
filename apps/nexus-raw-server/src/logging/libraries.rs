use std::io;

use nexus_raw_config::LogLevel;
use slog::{Drain, Logger, Record, o};
use slog_scope::GlobalLoggerGuard;

use super::subscriber::SlogSubscriber;

/// Forwards the logs of libraries, through `log` and `tracing`, to the program's log. Only warnings
/// and errors, since lower levels may show requests, and with them signatures.
pub(super) struct Bridge {
    // keeps the program's log as the target of slog-stdlog
    _guard: GlobalLoggerGuard,
}

impl Bridge {
    pub(super) fn to(log: &Logger, level: LogLevel) -> io::Result<Self> {
        let filtered = log.clone().filter(is_forwarded).ignore_res();
        let log = Logger::root(filtered, o!("library" => true));
        let guard = slog_scope::set_global_logger(log.clone());
        let (log_level, max_level) = if level == LogLevel::Error {
            (log::Level::Error, tracing::Level::ERROR)
        } else {
            (log::Level::Warn, tracing::Level::WARN)
        };
        slog_stdlog::init_with_level(log_level).map_err(io::Error::other)?;
        tracing::subscriber::set_global_default(SlogSubscriber { log, max_level })
            .map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { _guard: guard })
    }
}

/// Returns whether a record is forwarded. `s3s` logs each refused request as an error, with the
/// caller's input; the embedded S3 server logs its own failures. `actix_http` logs each unreadable
/// request as an error; the listener logs and counts these.
fn is_forwarded(record: &Record<'_>) -> bool {
    let target = record.tag();
    let is_refusal = target == "s3s" || target.starts_with("s3s::");
    let is_unreadable = target == "actix_http::h1::dispatcher"
        && record.msg().to_string().starts_with("stream error: ");
    !is_refusal && !is_unreadable
}
