use std::io;

use nexus_raw_config::LogLevel;
use slog::{Drain, Level, Logger, OwnedKVList, Record, RecordStatic, o};
use slog_scope::GlobalLoggerGuard;

/// What libraries say, as records of the program's log: warnings and errors alone. What is less
/// may show requests, and with them signatures.
pub(super) struct Bridge {
    // while it lives, slog-stdlog finds the program's log
    _guard: GlobalLoggerGuard,
}

impl Bridge {
    pub(super) fn to(log: &Logger, level: LogLevel) -> io::Result<Self> {
        let heard = Quieter(log.clone().filter(is_told)).ignore_res();
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

/// Makes little of what is no failure of the program's: sqlx tells of each connection that its pool
/// could not make fit for use, once for each attempt, as an error. Who waits for the connection is
/// told, and says so.
struct Quieter<D>(D);

impl<D: Drain> Drain for Quieter<D> {
    type Ok = D::Ok;
    type Err = D::Err;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<D::Ok, D::Err> {
        if record.level() != Level::Error || !record.tag().starts_with("sqlx_core::pool") {
            return self.0.log(record, values);
        }
        let quiet = RecordStatic {
            location: record.location(),
            tag: record.tag(),
            level: Level::Debug,
        };
        let record = Record::new(&quiet, record.msg(), record.kv());
        self.0.log(&record, values)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    impl Drain for Heard {
        type Ok = ();
        type Err = slog::Never;

        fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), slog::Never> {
            let told = format!("{} {} {}", record.level(), record.tag(), record.msg());
            self.0.lock().unwrap().push(told);
            Ok(())
        }
    }

    #[test]
    fn what_sqlx_says_of_a_connection_that_was_not_fit_is_no_error() {
        let heard = Heard::default();
        let log = Logger::root(Quieter(heard.clone()), o!());
        slog::error!(log, # "sqlx_core::pool::inner", "error returned from after_connect");
        slog::warn!(log, # "sqlx_core::pool::inner", "slow");
        slog::error!(log, # "sqlx_core::net", "another");
        slog::error!(log, # "hyper", "a third");
        assert_eq!(
            *heard.0.lock().unwrap(),
            [
                "DEBG sqlx_core::pool::inner error returned from after_connect",
                "WARN sqlx_core::pool::inner slow",
                "ERRO sqlx_core::net another",
                "ERRO hyper a third",
            ]
        );
    }
}
