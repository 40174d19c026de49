use std::io;

use nexus_raw_config::LogLevel;
use slog::{Drain, Logger, Record, o};
use slog_scope::GlobalLoggerGuard;

/// What libraries say, as records of the program's log: warnings and errors alone. What is less
/// may show requests, and with them signatures.
pub(super) struct Bridge {
    // while it lives, slog-stdlog finds the program's log
    _guard: GlobalLoggerGuard,
}

impl Bridge {
    pub(super) fn to(log: &Logger, level: LogLevel) -> io::Result<Self> {
        let heard = log.clone().filter(is_told).ignore_res();
        let guard = slog_scope::set_global_logger(Logger::root(heard, o!("library" => true)));
        let level = if level == LogLevel::Error {
            log::Level::Error
        } else {
            log::Level::Warn
        };
        slog_stdlog::init_with_level(level).map_err(io::Error::other)?;
        Ok(Self { _guard: guard })
    }
}

/// The library under the embedded S3 server logs each request it refuses as an error, with what
/// the caller sent; the server tells of its own failures itself. The one under the API logs each
/// request it cannot read as an error; the listener tells and counts these.
fn is_told(record: &Record<'_>) -> bool {
    let target = record.tag();
    let is_refusal = target == "s3s" || target.starts_with("s3s::");
    let is_unreadable = target == "actix_http::h1::dispatcher"
        && record.msg().to_string().starts_with("stream error: ");
    !is_refusal && !is_unreadable
}
