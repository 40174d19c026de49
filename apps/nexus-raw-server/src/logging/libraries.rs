use std::io;

use nexus_raw_config::LogLevel;
use slog::{Drain, Level, Logger, OwnedKVList, Record, RecordStatic, o};
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
        let filtered = PoolErrorFilter(log.clone().filter(is_forwarded)).ignore_res();
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

/// A drain that lowers errors of sqlx's pool to `debug`: sqlx logs each failed attempt to open a
/// connection as an error, and also returns it to the caller, who logs it.
struct PoolErrorFilter<D>(D);

impl<D: Drain> Drain for PoolErrorFilter<D> {
    type Ok = D::Ok;
    type Err = D::Err;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<D::Ok, D::Err> {
        if record.level() != Level::Error || !record.tag().starts_with("sqlx_core::pool") {
            return self.0.log(record, values);
        }
        let lowered = RecordStatic {
            location: record.location(),
            tag: record.tag(),
            level: Level::Debug,
        };
        let record = Record::new(&lowered, record.msg(), record.kv());
        self.0.log(&record, values)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct CapturedRecords(Arc<Mutex<Vec<String>>>);

    impl Drain for CapturedRecords {
        type Ok = ();
        type Err = slog::Never;

        fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), slog::Never> {
            let line = format!("{} {} {}", record.level(), record.tag(), record.msg());
            self.0.lock().unwrap().push(line);
            Ok(())
        }
    }

    #[test]
    fn an_error_of_the_pool_of_sqlx_is_lowered_to_debug() {
        let captured = CapturedRecords::default();
        let log = Logger::root(PoolErrorFilter(captured.clone()), o!());
        slog::error!(log, # "sqlx_core::pool::inner", "error returned from after_connect");
        slog::warn!(log, # "sqlx_core::pool::inner", "slow");
        slog::error!(log, # "sqlx_core::net", "another");
        slog::error!(log, # "hyper", "a third");
        assert_eq!(
            *captured.0.lock().unwrap(),
            [
                "DEBG sqlx_core::pool::inner error returned from after_connect",
                "WARN sqlx_core::pool::inner slow",
                "ERRO sqlx_core::net another",
                "ERRO hyper a third",
            ]
        );
    }
}
